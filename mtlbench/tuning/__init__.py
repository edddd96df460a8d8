"""Fair tuning: as many trials for every method, from declared spaces, judged on the dev split alone."""
