"""How maps are fitted and chosen, and shown before and after, never on rows that they have seen."""
