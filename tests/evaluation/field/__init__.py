"""Short texts of every kind that detection has failed on, each with what must happen to it, and what is still missed."""
