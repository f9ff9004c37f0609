"""Keras scripts without Keras: the import hook, the runner, and what is refused."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

from kerasish import compat
from kerasish.compat import names
from kerasish.compat.check import check
from kerasish.compat.finder import installed
from kerasish.compat.runner import without_magics

MODULES = [
    ("keras", ""),
    ("keras.layers.core", "layers"),
    ("keras.layers.advanced_activations", "layers"),
    ("keras.layers.normalization.batch_normalization", "layers"),
    ("tensorflow.keras.layers.experimental.preprocessing", "layers"),
    ("tensorflow.python.keras.layers", "layers"),
    ("tensorflow.python.keras.engine.sequential", "models"),
    ("keras.engine.topology", "layers"),
    ("keras.src.models.sequential", "models"),
    ("keras.optimizers.schedules", "optimizers.schedules"),
    ("tensorflow.keras.optimizers.legacy", "optimizers"),
    ("keras.optimizer_v2.adam", "optimizers"),
    ("keras.objectives", "losses"),
    ("keras.utils.np_utils", "utils"),
    ("keras.utils.vis_utils", "utils"),
    ("keras_preprocessing.image", "preprocessing.image"),
    ("keras.preprocessing.text", "preprocessing.text"),
    ("keras.datasets.mnist", "datasets.mnist"),
    ("scikeras.wrappers", "wrappers"),
    ("tf_keras.models", "models"),
    ("tensorflow", "tf"),
    ("tensorflow.nn", "tf.nn"),
]


@pytest.mark.parametrize(("module", "place"), MODULES)
def test_modules_of_all_times_have_their_place_today(module, place):
    assert names.place(module) == place


def test_names_resolve_to_kerasish_and_are_gone_afterwards():
    before = {name for name in sys.modules if name.partition(".")[0] in names.ROOTS}
    with installed():
        assert compat.is_installed()
        import keras
        import tensorflow as tf
        from keras.layers import Convolution2D
        from keras.layers.core import Dense, Dropout
        from keras.utils import np_utils
        from tensorflow.python.keras.layers import Dense as SameDense

        import kerasish

        assert Dense is SameDense is kerasish.layers.Dense
        assert keras.layers.Dropout is Dropout
        assert tf.keras.models.Sequential is keras.Sequential is kerasish.Sequential
        assert np_utils.to_categorical([1], 2).tolist() == [[0, 1]]
        assert keras.__version__.startswith("3.")
        assert tf.__version__.startswith("2.")
        assert "Dense" in dir(keras.layers)
        assert Convolution2D(8, 3, 3).kernel_size == (3, 3)
        assert Convolution2D(8, (5, 4)).kernel_size == (5, 4)
        assert Convolution2D(nb_filter=8, nb_row=2, nb_col=3).kernel_size == (2, 3)
        assert kerasish.layers.Convolution2D(8, 3, 3).strides == (3, 3)
    assert not compat.is_installed()
    after = {name for name in sys.modules if name.partition(".")[0] in names.ROOTS}
    assert after == before


REFUSED = [
    ("from keras.layers import Concatenate", ImportError, r"keras\.layers\.Concatenate .*branch"),
    ("from keras.layers.merge import add", ImportError, r"keras\.layers\.merge\.add .*branch"),
    ("from keras.layers import Densee", ImportError, r"line 1 of <string>\).*mean 'Dense'"),
    ("import keras.applications", ModuleNotFoundError, "Pretrained networks are graphs"),
    ("from keras.applications.vgg16 import VGG16", ModuleNotFoundError, "Pretrained networks"),
    ("import tensorflow as tf\ntf.GradientTape", AttributeError, r"line 2 .*train_on_batch"),
    ("import tensorflow as tf\ntf.data.Dataset", AttributeError, r"DataLoader"),
    ("import keras\nkeras.layers.Foo", AttributeError, r"keras\.layers\.Foo is not available"),
    ("import tensorflow.foo", ModuleNotFoundError, "No module named 'tensorflow.foo'"),
]


@pytest.mark.parametrize(("code", "error", "words"), REFUSED)
def test_what_is_missing_says_what_to_use(code, error, words):
    with installed(), pytest.raises(error, match=f"(?s){words}"):
        exec(compile(code, "<string>", "exec"), {})


def test_a_missing_name_can_be_asked_for():
    with installed():
        import keras

        assert not hasattr(keras, "no_such_name")


SCRIPT = """
import os, sys
import numpy as np
from tensorflow.keras.models import Sequential
from keras.layers import Dense
import matplotlib.pyplot as plt

print(sys.argv[1:], __name__, os.path.basename(sys.path[0]))
model = Sequential()
model.add(Dense(3, input_dim=4, activation="relu"))
model.compile(loss="mse", optimizer="adam")
history = model.fit(np.ones((10, 4)), np.ones((10, 3)), epochs=2, verbose=0)
plt.plot(history.history["loss"])
plt.show()
def fail():
    raise KeyError("x")
if len(sys.argv) > 2:
    fail()
sys.exit(3)
"""


def execute(folder, code):
    """Run Python in a process of its own, in `folder`, without a display."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    env["PYTHONPATH"] = str(pathlib.Path(compat.__file__).parents[2])
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def test_a_script_runs_as_with_python(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    run = "import sys; from kerasish.compat.runner import run; sys.exit(run('train.py', {}))"
    found = execute(tmp_path, run.format(["--lr"]))
    assert found.stdout.startswith(f"['--lr'] __main__ {tmp_path.name}")
    assert found.returncode == 3
    assert (tmp_path / "train_figures" / "figure_1.png").stat().st_size > 1000
    assert "figure is in train_figures/figure_1.png" in found.stderr.replace(os.sep, "/")
    found = execute(tmp_path, run.format(["a", "b"]))
    assert found.returncode == 1
    lines = found.stderr.splitlines()
    first = lines.index("Traceback (most recent call last):")
    assert lines[first + 1] == '  File "train.py", line 18, in <module>'
    assert lines[-1] == "KeyError: 'x'"


def test_a_notebook_runs(tmp_path):
    cells = [
        "%matplotlib inline\n!pip install keras",
        "%%bash\necho no",
        "from keras.layers import Dense\nif True:\n    %time\nlayer = Dense(3)\nlayer.units",
        "get_ipython().run_line_magic('load_ext', 'x');",
        "1 / 0",
    ]
    listed = [{"cell_type": "code", "source": text.splitlines(True)} for text in cells]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": listed}))
    run = "import sys; from kerasish.compat.runner import run; sys.exit(run('n.ipynb', []))"
    found = execute(tmp_path, run)
    assert found.stdout == "3\n"
    assert found.returncode == 1
    assert 'File "n.ipynb[5]", line 1' in found.stderr
    assert "    1 / 0" in found.stderr
    assert without_magics("x = 5 % 3\nDense?") == "x = 5 % 3\n# Dense?"
    (tmp_path / "bad.ipynb").write_text("{}")
    with pytest.raises(ValueError, match=r"bad\.ipynb' is no Jupyter notebook"):
        check(str(tmp_path / "bad.ipynb"))


def test_check_lists_what_is_missing(tmp_path):
    path = tmp_path / "s.py"
    path.write_text(
        "import tensorflow as tf, numpy\n"
        "from keras.layers import Dense, Concatenate\n"
        "from keras.applications import VGG16\n"
        "def f():\n"
        "    tf.data.Dataset.range(3)\n"
        "    return tf.keras.layers.Foo(numpy.zeros(3)), tf.keras.Sequential([Dense(2)])\n"
    )
    found = check(str(path))
    assert [finding.line for finding in found] == [2, 3, 5, 6]
    assert str(found[0]).startswith(f"{path}:2: keras.layers.Concatenate: kerasish chains")
    assert "tensorflow.keras.layers.Foo" in found[3].message


def test_a_missing_script_is_told():
    from kerasish.compat.runner import run

    with pytest.raises(FileNotFoundError, match=r"no file 'none\.py'.*run -m NAME"):
        run("none.py", [])
    with pytest.raises(IsADirectoryError, match=r"run: '\.' is a folder"):
        run(".", [])
