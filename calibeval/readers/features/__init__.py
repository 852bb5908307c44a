"""Feature caches and head weights: what finetune and predict read."""
