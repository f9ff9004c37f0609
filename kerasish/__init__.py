"""kerasish: Keras-style deep learning on NumPy, made for the CPU."""
