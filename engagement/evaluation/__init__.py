"""Whether it helps and how good it is: backtest, effect, fairness, what other numbers would do."""
