"""Losses, optimizers, learning-rate schedules, batch augmentation."""
