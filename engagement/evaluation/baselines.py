"""What the score is held against: models fitted on earlier cohorts, from the same inputs.

A model that somebody has to fit, keep and explain should be better than a formula that everybody can read; only a trial
says whether it is. Everything is fitted on one thread: on small tables a second one costs more than it does.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from engagement.evaluation.metrics import SEED, Floats

LOGISTIC: Final = "logistic regression"
BOOSTING: Final = "gradient boosting"
MODELS: Final = (LOGISTIC, BOOSTING)


def fitted_scores(train: pd.DataFrame, left: pd.Series, test: pd.DataFrame) -> dict[str, Floats]:
    """Return, for each of `MODELS`, the chance of leaving of each learner of `test`.

    The numbers are those of the libraries' defaults: a rival is not tuned on what it is tested on.

    Parameters
    ----------
    train, test
        One row per learner, one numeric column per input; missing values are allowed.
    left
        Whether each learner of `train` left.
    """
    models: dict[str, Any] = {
        LOGISTIC: make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression()),
        BOOSTING: HistGradientBoostingClassifier(random_state=SEED),
    }
    known = [column for column in train if train[column].notna().any()]
    with threadpool_limits(1):
        return {
            name: np.asarray(model.fit(train[known], left).predict_proba(test[known])[:, 1])
            for name, model in models.items()
        }
