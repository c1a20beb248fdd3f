"""Losses, optimizers, learning-rate schedules and batch augmentation."""
