"""Files that R, H2O, Spark and AutoGluon write."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.tools.made import ANSWERS, FEW, LEVELS, Array, Data, Truth, Writer, data, two

R_BEGINNING = """
train <- read.csv("train.csv", stringsAsFactors = TRUE)
test <- read.csv("test.csv", stringsAsFactors = TRUE)
set.seed(1)
"""
R_LEVELS = """
model <- nnet::multinom(y ~ ., train, trace = FALSE)
probs <- predict(model, test, type = "probs")
writeBin(as.vector(t(probs)), "probs.bin")
"""
R_ANSWERS = """
model <- glm(y ~ ., binomial, train)
probs <- predict(model, test, type = "response")
writeBin(as.vector(probs), "probs.bin")
"""


def _frame(features: Array, labels: Array) -> Any:
    import pandas as pd

    return pd.DataFrame(features, columns=[f"x{i}" for i in range(features.shape[1])]).assign(y=labels)


def version_of_r() -> str:
    """As in 4.2.2."""
    return _rscript("-e", 'cat(R.version$major, R.version$minor, sep = ".")')


def _rscript(*arguments: str, cwd: Path | None = None) -> str:
    command = ["Rscript", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _r(path: Path, problem: Data, names: Array, script: str) -> Truth:
    """Run a script of R on the problem; the predictions come back as the bytes of its numbers, not as text."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        _frame(problem.train, names[problem.train_labels]).to_csv(here / "train.csv", index=False)
        _frame(problem.test, names[problem.test_labels]).to_csv(here / "test.csv", index=False)
        (here / "script.R").write_text(R_BEGINNING + script.replace("FILE", json.dumps(str(path))), "utf-8")
        _rscript("script.R", cwd=here)
        probs = np.fromfile(here / "probs.bin", np.float64)
    return Truth(two(probs) if len(names) == 2 else probs.reshape(-1, len(names)), problem.test_labels)


def r_csv(path: Path) -> Truth:
    return _r(path, data(3, 61), LEVELS, R_LEVELS + "write.csv(data.frame(probs, obs = test$y), FILE)")


def r_csv2(path: Path) -> Truth:
    script = R_LEVELS + "write.csv2(data.frame(prob = probs, label = test$y), FILE, row.names = FALSE)"
    return _r(path, data(3, 62), LEVELS, script)


def r_readr_csv(path: Path) -> Truth:
    table = "tibble::tibble(pred = colnames(probs)[max.col(probs)], obs = test$y, tibble::as_tibble(probs))"
    return _r(path, data(3, 63), LEVELS, R_LEVELS + f"readr::write_csv({table}, FILE)")


def r_glm_csv(path: Path) -> Truth:
    script = R_ANSWERS + 'write.csv(data.frame(fit = probs, y = as.integer(test$y == "yes")), FILE)'
    return _r(path, data(2, 64), ANSWERS, script)


def r_json(path: Path) -> Truth:
    script = R_LEVELS + "jsonlite::write_json(data.frame(prob = probs, label = test$y), FILE, digits = NA)"
    return _r(path, data(3, 65, FEW), LEVELS, script)


def _h2o(path: Path, problem: Data, names: Array) -> Truth:
    import h2o
    from h2o.estimators import H2OGeneralizedLinearEstimator

    h2o.init(ip="127.0.0.1", nthreads=1, max_mem_size="1g", log_level="FATA")
    try:
        h2o.no_progress()
        kinds = {"y": "enum"}
        train = h2o.H2OFrame(_frame(problem.train, names[problem.train_labels]), column_types=kinds)
        test = h2o.H2OFrame(_frame(problem.test, names[problem.test_labels]), column_types=kinds)
        family = "binomial" if len(names) == 2 else "multinomial"
        model = H2OGeneralizedLinearEstimator(family=family, seed=1, lambda_=0)
        model.train(y="y", training_frame=train)
        predicted = model.predict(test)
        h2o.export_file(predicted.cbind(test["y"]), str(path), force=True)
        probs = predicted.as_data_frame().iloc[:, 1:].to_numpy()
    finally:
        h2o.cluster().shutdown()
    return Truth(probs, problem.test_labels)


def h2o_numbers_csv(path: Path) -> Truth:
    return _h2o(path, data(2, 66), np.array(["0", "1"]))


def h2o_names_csv(path: Path) -> Truth:
    return _h2o(path, data(3, 67), LEVELS)


def _spark(problem: Data, write: Any) -> Truth:
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.linalg import Vectors
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.driver.host": "127.0.0.1"}
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        spark.sparkContext.setLogLevel("ERROR")
        train, test = (
            spark.createDataFrame(
                [(Vectors.dense(row), float(y)) for row, y in zip(rows, labels, strict=True)], ["features", "label"]
            )
            for rows, labels in ((problem.train, problem.train_labels), (problem.test, problem.test_labels))
        )
        table = LogisticRegression(regParam=0.0).fit(train).transform(test)
        probs = np.array([row.probability.toArray() for row in table.collect()])
        write(table)
    finally:
        spark.stop()
    return Truth(probs, problem.test_labels)


def _part(table: Any, path: Path, kind: str) -> None:
    """The one part that Spark writes; its name holds a random number, so that it gets another."""
    with tempfile.TemporaryDirectory() as folder:
        table.coalesce(1).write.mode("overwrite").format(kind).save(folder)
        (part,) = Path(folder).glob("part-*")
        path.write_bytes(part.read_bytes())


def spark_parts(path: Path) -> Truth:
    """All that Spark writes into a folder: two parts, sums and a mark; the random number in their names is replaced."""
    from pyspark.ml.functions import vector_to_array

    def write(table):
        chosen = table.withColumn("probability", vector_to_array("probability")).select("label", "probability")
        shutil.rmtree(path, ignore_errors=True)
        chosen.repartitionByRange(2, "label").write.parquet(str(path))
        for written in path.iterdir():
            written.rename(path / re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "0" * 8, written.name))

    return _spark(data(3, 68), write)


def spark_vectors_parquet(path: Path) -> Truth:
    return _spark(data(3, 69), lambda table: _part(table.drop("features"), path, "parquet"))


def spark_json(path: Path) -> Truth:
    from pyspark.ml.functions import vector_to_array

    def write(table):
        _part(table.withColumn("probability", vector_to_array("probability")).drop("features"), path, "json")

    return _spark(data(2, 70, FEW), write)


def spark_pandas_csv(path: Path) -> Truth:
    def write(table):
        table.select("label", "probability", "prediction").toPandas().to_csv(path, index=False)

    return _spark(data(4, 71, FEW), write)


def autogluon_csv(path: Path) -> Truth:
    from autogluon.tabular import TabularPredictor

    problem = data(3, 72)
    test = _frame(problem.test, LEVELS[problem.test_labels])
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor("y", path=folder, verbosity=0)
        models: dict[str, dict[str, Any]] = {"GBM": {"num_boost_round": 15}}
        train = _frame(problem.train, LEVELS[problem.train_labels])
        predictor.fit(train, hyperparameters=models, fit_weighted_ensemble=False, num_cpus=1)
        probs = predictor.predict_proba(test)
    probs.assign(truth=test["y"]).to_csv(path)
    return Truth(probs.to_numpy(), problem.test_labels)


R, H2O, SPARK = ("R",), ("h2o",), ("pyspark",)
BY_NAME = "--score-columns high,low,medium --kind probs"
WRITERS = (
    Writer(
        "r.csv",
        "R",
        "write.csv(data.frame(probs, obs = y))",
        "row names, columns named after the classes",
        f"{BY_NAME} --labels-key obs",
        R,
        r_csv,
    ),
    Writer(
        "r_csv2.csv",
        "R",
        "write.csv2(data.frame(prob = probs, label = y), row.names = FALSE)",
        "semicolons and decimal commas, columns `prob.high`, ...",
        "--decimal , --score-columns 'prob.*' --kind probs",
        R,
        r_csv2,
    ),
    Writer(
        "r_readr.csv",
        "R, readr",
        "write_csv(tibble(pred, obs, as_tibble(probs)))",
        "predicted and true class, columns named after the classes",
        f"{BY_NAME} --labels-key obs",
        R,
        r_readr_csv,
    ),
    Writer(
        "r_glm.csv",
        "R",
        'write.csv(data.frame(fit = predict(model, type = "response"), y = y))',
        "row names, P(class 1) in one column",
        "--probs-key fit",
        R,
        r_glm_csv,
    ),
    Writer(
        "r.json",
        "R, jsonlite",
        "write_json(data.frame(prob = probs, label = y), digits = NA)",
        "one array of objects, columns `prob.high`, ...",
        "--score-columns 'prob.*' --kind probs",
        R,
        r_json,
    ),
    Writer(
        "h2o_numbers.csv",
        "H2O",
        'h2o.export_file(model.predict(test).cbind(test["y"]))',
        "columns `predict`, `p0`, `p1`",
        "--score-columns p0,p1 --kind probs",
        H2O,
        h2o_numbers_csv,
    ),
    Writer(
        "h2o_names.csv",
        "H2O",
        'h2o.export_file(model.predict(test).cbind(test["y"]))',
        "columns `predict`, `high`, `low`, `medium`",
        BY_NAME,
        H2O,
        h2o_names_csv,
    ),
    Writer(
        "spark_parts",
        "Spark",
        'withColumn("probability", vector_to_array("probability")).write.parquet()',
        "a folder of parts with a column `probability` of lists",
        "--probs-key probability",
        SPARK,
        spark_parts,
    ),
    Writer(
        "spark_vectors.parquet",
        "Spark",
        "model.transform(test).write.parquet()",
        "columns `rawPrediction` and `probability` of vectors",
        "--probs-key probability",
        SPARK,
        spark_vectors_parquet,
    ),
    Writer(
        "spark.json",
        "Spark",
        'withColumn("probability", vector_to_array("probability")).write.json()',
        "an object in each line, with a list `probability` and a nested vector",
        "--probs-key probability",
        SPARK,
        spark_json,
    ),
    Writer(
        "spark_pandas.csv",
        "Spark, pandas",
        "model.transform(test).toPandas().to_csv(index=False)",
        "vectors as text",
        "--probs-key probability",
        SPARK,
        spark_pandas_csv,
    ),
    Writer(
        "autogluon.csv",
        "AutoGluon",
        "predictor.predict_proba(test).assign(truth=y).to_csv()",
        "an index without a name, columns named after the classes",
        f"{BY_NAME} --labels-key truth",
        ("autogluon.tabular", "pandas"),
        autogluon_csv,
    ),
)
