"""The contracts: what an image looks like, what a training is asked, what a card says. No torch."""
