"""Files of predictions by boosted trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.tools.made import LEVELS, Truth, Writer, data, softmax, two


def xgboost_csv(path: Path) -> Truth:
    import pandas as pd
    import xgboost

    problem = data(2, 11)
    train = xgboost.DMatrix(problem.train, problem.train_labels)
    model = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, train, 20)
    positive = model.predict(xgboost.DMatrix(problem.test))
    pd.DataFrame({"y_true": problem.test_labels, "y_prob": positive}).to_csv(path, index=False)
    return Truth(two(positive), problem.test_labels)


def xgboost_margins_npz(path: Path) -> Truth:
    import xgboost

    problem = data(4, 12)
    model = xgboost.XGBClassifier(n_estimators=15, max_depth=3, n_jobs=1).fit(problem.train, problem.train_labels)
    margins = model.predict(problem.test, output_margin=True)
    np.savez(path, margins=margins, y_test=problem.test_labels)
    return Truth(softmax(margins), problem.test_labels)


def lightgbm_parquet(path: Path) -> Truth:
    import lightgbm
    import pandas as pd

    problem = data(3, 13)
    model = lightgbm.LGBMClassifier(n_estimators=15, verbose=-1, n_jobs=1)
    model.fit(problem.train, LEVELS[problem.train_labels])
    probs = model.predict_proba(problem.test)
    table = pd.DataFrame(probs, columns=model.classes_, index=range(1000, 1000 + len(probs)))
    table.assign(target=LEVELS[problem.test_labels]).to_parquet(path)
    return Truth(probs, problem.test_labels)


def lightgbm_npy(path: Path) -> Truth:
    import lightgbm

    problem = data(2, 14)
    train = lightgbm.Dataset(problem.train, problem.train_labels)
    model = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, train, 15)
    positive = model.predict(problem.test)
    np.save(path, positive)
    np.savetxt(path.with_name("lightgbm_labels.csv"), problem.test_labels, fmt="%d", header="label", comments="")
    return Truth(two(positive), problem.test_labels)


def catboost_csv(path: Path) -> Truth:
    import catboost
    import pandas as pd

    problem = data(3, 15)
    settings = {"iterations": 20, "depth": 3, "verbose": False, "random_seed": 0, "allow_writing_files": False}
    model = catboost.CatBoostClassifier(thread_count=1, **settings)
    model.fit(problem.train, LEVELS[problem.train_labels])
    probs = model.predict_proba(problem.test)
    table = pd.DataFrame(probs, columns=[f"Probability:Class={name}" for name in model.classes_])
    table.insert(0, "SampleId", range(len(table)))
    table.assign(Label=LEVELS[problem.test_labels]).to_csv(path, sep="\t", index=False)
    return Truth(probs, problem.test_labels)


def catboost_raw_npz(path: Path) -> Truth:
    import catboost

    problem = data(2, 16)
    settings = {"iterations": 30, "depth": 3, "verbose": False, "random_seed": 0, "allow_writing_files": False}
    model = catboost.CatBoostClassifier(thread_count=1, **settings).fit(problem.train, problem.train_labels)
    raw = model.predict(problem.test, prediction_type="RawFormulaVal")
    np.savez(path, raw=raw, label=problem.test_labels)
    return Truth(two(1 / (1 + np.exp(-raw))), problem.test_labels)


WRITERS = (
    Writer(
        "xgboost.csv",
        "XGBoost",
        'DataFrame({"y_true": y, "y_prob": booster.predict(d)}).to_csv(index=False)',
        "P(class 1) in one column, float32",
        "",
        ("xgboost-cpu", "pandas"),
        xgboost_csv,
    ),
    Writer(
        "xgboost_margins.npz",
        "XGBoost",
        "np.savez(margins=clf.predict(X, output_margin=True), y_test=y)",
        "logits, float32",
        "--logits-key margins --labels-key y_test",
        ("xgboost-cpu", "numpy"),
        xgboost_margins_npz,
    ),
    Writer(
        "lightgbm.parquet",
        "LightGBM",
        "DataFrame(clf.predict_proba(X), columns=clf.classes_).assign(target=y).to_parquet()",
        "columns named after the classes, and an index",
        "--score-columns high,low,medium --kind probs",
        ("lightgbm", "pandas", "pyarrow"),
        lightgbm_parquet,
    ),
    Writer(
        "lightgbm.npy",
        "LightGBM",
        "np.save(booster.predict(X))",
        "P(class 1) without a name, the labels in a table",
        "--kind probs --labels lightgbm_labels.csv",
        ("lightgbm", "numpy"),
        lightgbm_npy,
        also=("lightgbm_labels.csv",),
    ),
    Writer(
        "catboost.tsv",
        "CatBoost",
        "catboost calc --prediction-type Probability",
        "columns `Probability:Class=high`, ...; text labels in `Label`",
        "--score-columns 'Probability:*' --kind probs --labels-key Label",
        ("catboost", "pandas"),
        catboost_csv,
    ),
    Writer(
        "catboost_raw.npz",
        "CatBoost",
        'np.savez(raw=model.predict(X, prediction_type="RawFormulaVal"), label=y)',
        "the logit of class 1",
        "--logits-key raw",
        ("catboost", "numpy"),
        catboost_raw_npz,
    ),
)
