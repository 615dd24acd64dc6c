"""How pages and the dispatcher answer with a million pictures behind them."""
