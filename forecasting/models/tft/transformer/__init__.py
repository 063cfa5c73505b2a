"""pytorch-forecasting's temporal fusion transformer, doing the same arithmetic in fewer steps."""
