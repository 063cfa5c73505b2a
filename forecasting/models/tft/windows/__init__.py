"""Windows of a ``TimeSeriesDataSet``, gathered from contiguous tensors, and the draws of an epoch."""
