"""Files that scikit-learn, pandas, polars and their neighbours write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.tools.made import ANSWERS, LEVELS, Array, Data, Truth, Writer, bayes, data


def _forest(problem: Data, labels: Array) -> tuple[Any, Array]:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=10, random_state=0).fit(problem.train, labels)
    return model, np.asarray(model.predict_proba(problem.test))


def _levels(seed: int) -> tuple[Truth, Any]:
    """Three classes with names, and a DataFrame with one column for each name."""
    import pandas as pd

    problem = data(3, seed)
    probs = bayes(problem)
    table = pd.DataFrame(probs, columns=LEVELS)
    return Truth(probs, problem.test_labels), table.assign(y_true=LEVELS[problem.test_labels])


def _numbered(seed: int) -> tuple[Truth, dict[str, Array]]:
    problem = data(4, seed)
    probs = bayes(problem)
    return Truth(probs, problem.test_labels), {
        **{f"prob_{i}": probs[:, i] for i in range(4)},
        "label": problem.test_labels,
    }


def sklearn_npz(path: Path) -> Truth:
    problem = data(3, 1)
    model, probs = _forest(problem, LEVELS[problem.train_labels])
    np.savez(path, probs=probs, y_true=LEVELS[problem.test_labels], classes=model.classes_)
    return Truth(probs, problem.test_labels)


def sklearn_oof_npy(path: Path) -> Truth:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    problem = data(5, 2)
    probs = cross_val_predict(LogisticRegression(C=10), problem.test, problem.test_labels, method="predict_proba")
    np.save(path, probs)
    np.save(path.with_name("sklearn_oof_labels.npy"), problem.test_labels)
    return Truth(probs, problem.test_labels)


def pandas_index_csv(path: Path) -> Truth:
    truth, table = _levels(3)
    table.to_csv(path)
    return truth


def pandas_excel_csv(path: Path) -> Truth:
    import pandas as pd

    problem = data(2, 4)
    probs = bayes(problem)
    table = pd.DataFrame({"prob_no": probs[:, 0], "prob_yes": probs[:, 1], "label": ANSWERS[problem.test_labels]})
    table.to_csv(path, sep=";", decimal=",", index=False, encoding="utf-8-sig")
    return Truth(probs, problem.test_labels)


def pandas_records_json(path: Path) -> Truth:
    truth, table = _levels(5)
    table.to_json(path, orient="records")
    return truth


def pandas_lines_jsonl(path: Path) -> Truth:
    import pandas as pd

    truth, columns = _numbered(6)
    pd.DataFrame(columns).to_json(path, orient="records", lines=True)
    return truth


def pandas_nullable_parquet(path: Path) -> Truth:
    truth, table = _levels(7)
    table.convert_dtypes().to_parquet(path)
    return truth


def pandas_feather(path: Path) -> Truth:
    import pandas as pd

    truth, columns = _numbered(8)
    pd.DataFrame(columns).to_feather(path)
    return truth


def pandas_numbers_csv(path: Path) -> Truth:
    import pandas as pd

    problem = data(3, 9)
    probs = bayes(problem)
    pd.DataFrame(probs).assign(target=problem.test_labels).to_csv(path)
    return Truth(probs, problem.test_labels)


def pandas_series_csv(path: Path) -> Truth:
    import pandas as pd

    problem = data(3, 10)
    probs = bayes(problem)
    rows = np.random.default_rng(0).permutation(400)[: len(probs)]  # as train_test_split leaves them
    pd.DataFrame(probs, index=rows, columns=LEVELS).to_csv(path)
    answers = pd.Series(LEVELS[problem.test_labels], index=rows, name="level")
    answers.sort_index().to_csv(path.with_name("pandas_series_labels.csv"))
    return Truth(probs, problem.test_labels)


WRITERS = (
    Writer(
        "sklearn.npz",
        "scikit-learn",
        "np.savez(probs=clf.predict_proba(X), y_true=y, classes=clf.classes_)",
        "probabilities; labels are names",
        "",
        ("scikit-learn", "numpy"),
        sklearn_npz,
    ),
    Writer(
        "sklearn_oof.npy",
        "scikit-learn",
        'np.save(cross_val_predict(clf, X, y, method="predict_proba"))',
        "an array without a name, the labels in a second file",
        "--kind probs --labels sklearn_oof_labels.npy",
        ("scikit-learn", "numpy"),
        sklearn_oof_npy,
        also=("sklearn_oof_labels.npy",),
    ),
    Writer(
        "pandas_index.csv",
        "pandas",
        "DataFrame(proba, columns=clf.classes_).assign(y_true=y).to_csv()",
        "an index without a name, columns named after the classes",
        "--score-columns high,low,medium --kind probs",
        ("pandas", "scikit-learn"),
        pandas_index_csv,
    ),
    Writer(
        "pandas_numbers.csv",
        "pandas",
        "DataFrame(proba).assign(target=y).to_csv()",
        "an index without a name, columns `0`, `1`, `2`",
        "--score-columns 0..2 --kind probs",
        ("pandas", "scikit-learn"),
        pandas_numbers_csv,
    ),
    Writer(
        "pandas_series.csv",
        "pandas",
        "DataFrame(proba, columns=clf.classes_, index=y.index).to_csv(); y.to_csv()",
        "two tables with the same index, in different orders",
        "--score-columns high,low,medium --kind probs --labels pandas_series_labels.csv",
        ("pandas", "scikit-learn"),
        pandas_series_csv,
        also=("pandas_series_labels.csv",),
    ),
    Writer(
        "pandas_excel.csv",
        "pandas, Excel in Europe",
        'to_csv(sep=";", decimal=",", encoding="utf-8-sig")',
        "semicolons and decimal commas",
        "--decimal ,",
        ("pandas", "scikit-learn"),
        pandas_excel_csv,
    ),
    Writer(
        "pandas_records.json",
        "pandas",
        'to_json(orient="records")',
        "one array of objects",
        "--score-columns high,low,medium --kind probs",
        ("pandas", "scikit-learn"),
        pandas_records_json,
    ),
    Writer(
        "pandas_lines.jsonl",
        "pandas",
        'to_json(orient="records", lines=True)',
        "an object in each line; 10 decimals",
        "",
        ("pandas", "scikit-learn"),
        pandas_lines_jsonl,
    ),
    Writer(
        "pandas_nullable.parquet",
        "pandas",
        "convert_dtypes().to_parquet()",
        "nullable columns named after the classes",
        "--score-columns high,low,medium --kind probs",
        ("pandas", "pyarrow", "scikit-learn"),
        pandas_nullable_parquet,
    ),
    Writer(
        "pandas.feather",
        "pandas",
        "to_feather()",
        "columns `prob_0`, `prob_1`, ...",
        "",
        ("pandas", "pyarrow", "scikit-learn"),
        pandas_feather,
    ),
)
