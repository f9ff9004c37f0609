"""What tests of figures look for: no text may be cut off."""

import matplotlib.text


def texts(figure):
    return [t for t in figure.findobj(matplotlib.text.Text) if t.get_text() and t.get_visible()]


def assert_nothing_is_cut_off(figure):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    undrawn = tick_labels_out_of_sight(figure)
    for text in texts(figure):
        if text not in undrawn:
            box = text.get_window_extent(renderer)
            assert box.x0 >= -1, text
            assert box.y0 >= -1, text
            assert box.x1 <= figure.bbox.width + 1, text
            assert box.y1 <= figure.bbox.height + 1, text


def tick_labels_out_of_sight(figure):
    """Labels of ticks beyond the limits of their axis: they exist but are never drawn."""
    found = set()
    for axes in figure.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in [*axis.majorTicks, *axis.minorTicks]:
                if not axes.axison or not min(limits) <= tick.get_loc() <= max(limits):
                    found |= {tick.label1, tick.label2}
    return found
