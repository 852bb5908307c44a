"""Files that torch, Lightning, timm, transformers and fastai write."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.tools.made import FEW, LEVELS, TEST, Array, Data, Truth, Writer, data, softmax

HIDDEN, STEPS, BATCH = 16, 60, 50
FIRST_TOKEN, TOKENS = 5, 40


def _trained(problem: Data, classes: int) -> Any:
    """A small network, trained without chance."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(torch.nn.Linear(6, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, classes))
    features = torch.tensor(problem.train, dtype=torch.float32)
    labels = torch.tensor(problem.train_labels)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(features), labels).backward()
        optimizer.step()
    return network.eval()


def _logits(problem: Data, classes: int) -> Any:
    import torch

    network = _trained(problem, classes)
    with torch.no_grad():
        return network(torch.tensor(problem.test, dtype=torch.float32))


def torch_pt(path: Path) -> Truth:
    import torch

    problem = data(5, 41)
    logits = _logits(problem, 5)
    torch.save({"logits": logits.half(), "targets": torch.tensor(problem.test_labels), "epoch": STEPS}, path)
    return Truth(softmax(logits.half().float().numpy()), problem.test_labels)


def safetensors_file(path: Path) -> Truth:
    import torch
    from safetensors.torch import save_file

    problem = data(3, 42)
    logits = _logits(problem, 3)
    save_file({"logits": logits, "labels": torch.tensor(problem.test_labels)}, path)
    return Truth(softmax(logits.numpy()), problem.test_labels)


def lightning_pt(path: Path) -> Truth:
    import lightning
    import torch

    problem = data(3, 43)
    network = _trained(problem, 3)

    class Module(lightning.LightningModule):
        def predict_step(self, batch):
            features, labels = batch
            return {"preds": network(features).softmax(-1), "target": labels}

    rows = torch.utils.data.TensorDataset(torch.tensor(problem.test).float(), torch.tensor(problem.test_labels))
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    trainer = lightning.Trainer(accelerator="cpu", default_root_dir=tempfile.gettempdir(), **quiet)
    batches = trainer.predict(Module(), torch.utils.data.DataLoader(rows, batch_size=BATCH))
    torch.save(batches, path)
    return Truth(torch.cat([batch["preds"] for batch in batches]).numpy(), problem.test_labels)


def fastai_pt(path: Path) -> Truth:
    import torch
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner

    problem = data(4, 44)
    rows = torch.utils.data.TensorDataset(torch.tensor(problem.test).float(), torch.tensor(problem.test_labels))
    loader = DataLoader(rows, bs=BATCH)
    network = _trained(problem, 4)
    learner = Learner(DataLoaders(loader, loader), network, loss_func=torch.nn.functional.cross_entropy)
    with learner.no_bar():
        logits, targets = learner.get_preds()
    torch.save((logits.softmax(-1), targets), path)
    return Truth(logits.softmax(-1).numpy(), problem.test_labels)


def _trainer(problem: Data, folder: str) -> tuple[Any, list[dict[str, Any]]]:
    """A tiny BERT that was trained by transformers, and the rows to predict."""
    import torch
    import transformers

    def rows(features, labels):
        tokens = torch.tensor(np.clip(np.round(features * 4) + FIRST_TOKEN + 16, FIRST_TOKEN, TOKENS - 1)).long()
        return [{"input_ids": row, "labels": int(y)} for row, y in zip(tokens, labels, strict=True)]

    transformers.set_seed(0)
    transformers.utils.logging.set_verbosity_error()
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    names = dict(enumerate(LEVELS.tolist()))
    config = transformers.BertConfig(vocab_size=TOKENS, max_position_embeddings=16, id2label=names, **sizes)
    quiet: dict[str, Any] = {"report_to": [], "save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True}
    chosen = transformers.TrainingArguments(folder, num_train_epochs=8, learning_rate=5e-3, use_cpu=True, **quiet)
    model = transformers.BertForSequenceClassification(config)
    trainer = transformers.Trainer(model, chosen, train_dataset=rows(problem.train, problem.train_labels))
    trainer.train()
    return trainer, rows(problem.test, problem.test_labels)


def trainer_npz(path: Path) -> Truth:
    problem = data(3, 45)
    with tempfile.TemporaryDirectory() as folder:
        trainer, rows = _trainer(problem, folder)
        output = trainer.predict(rows)
    np.savez(path, predictions=output.predictions, label_ids=output.label_ids)
    return Truth(softmax(output.predictions), problem.test_labels)


def pipeline_jsonl(path: Path) -> Truth:
    import transformers

    problem = data(3, 51, FEW)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(FIRST_TOKEN, TOKENS))]
    with tempfile.TemporaryDirectory() as folder:
        trainer, rows = _trainer(problem, folder)
        tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    texts = [" ".join(words[i] for i in row["input_ids"]) for row in rows]
    pipe = transformers.pipeline("text-classification", model=trainer.model, tokenizer=tokenizer, device="cpu")
    outputs = pipe(texts, top_k=None)
    truth = LEVELS[problem.test_labels].tolist()
    with path.open("w", encoding="utf-8") as file:
        for output, label in zip(outputs, truth, strict=True):
            file.write(json.dumps({"output": output, "label": label}) + "\n")
    by_name = [{one["label"]: one["score"] for one in output} for output in outputs]
    return Truth(np.array([[row[name] for name in LEVELS] for row in by_name]), problem.test_labels)


def _timm(classes: int, seed: int, rows: int = TEST) -> tuple[Truth, Array, list[str]]:
    """A tiny model of timm on small pictures: the logits in float32, as inference.py of timm collects them."""
    import timm
    import torch

    problem = data(classes, seed, rows)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = timm.create_model("test_efficientnet", pretrained=False, num_classes=classes)
    pictures = [
        torch.tensor(np.resize(rows, (len(rows), 3, 32, 32)), dtype=torch.float32)
        for rows in (np.tile(problem.train, (1, 512)), np.tile(problem.test, (1, 512)))
    ]
    labels = torch.tensor(problem.train_labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(15):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(pictures[0]), labels).backward()
        optimizer.step()
    with torch.inference_mode():
        logits = model.eval()(pictures[1]).float()
    names = [f"img_{i:04d}.png" for i in range(len(logits))]
    return Truth(logits.softmax(-1).numpy(), problem.test_labels), logits.numpy(), names


def _timm_labels(path: Path, names: list[str], labels: Array) -> None:
    order = np.random.default_rng(0).permutation(len(names))  # another order than that of the predictions
    rows = [f"{names[i]},{labels[i]}\n" for i in order]
    path.write_text("filename,label\n" + "".join(rows), "utf-8")


def timm_csv(path: Path) -> Truth:
    import pandas as pd

    truth, _, names = _timm(4, 46)
    columns = {f"prob_{i}": truth.probs[:, i] for i in range(4)}
    pd.DataFrame({"filename": names, **columns}).to_csv(path, index=False)
    _timm_labels(path.with_name("timm_labels.csv"), names, truth.labels)
    return truth


def timm_parquet(path: Path) -> Truth:
    import pandas as pd

    truth, logits, names = _timm(3, 47)
    pd.DataFrame({"filename": names, "logit": list(logits)}).set_index("filename").to_parquet(path)
    _timm_labels(path.with_name("timm_parquet_labels.csv"), names, truth.labels)
    return Truth(softmax(logits), truth.labels)


def timm_json(path: Path) -> Truth:
    import pandas as pd

    truth, _, names = _timm(2, 52, FEW)
    table = pd.DataFrame({"filename": names, "prob": list(truth.probs)})
    table.set_index("filename").to_json(path, indent=4, orient="index")
    _timm_labels(path.with_name("timm_json_labels.csv"), names, truth.labels)
    return truth


def timm_top_csv(path: Path) -> Truth:
    import pandas as pd

    truth, _, names = _timm(4, 46)
    columns = {"index": truth.probs.argmax(1), "prob": truth.probs.max(1)}
    pd.DataFrame({"filename": names, **columns}).to_csv(path, index=False)
    _timm_labels(path.with_name("timm_labels.csv"), names, truth.labels)
    return truth


def keras_npy(path: Path) -> Truth:
    import os

    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    problem = data(4, 48)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Dense(HIDDEN, activation="relu"), keras.layers.Dense(4, activation="softmax")]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="categorical_crossentropy")
    model.fit(problem.train, keras.utils.to_categorical(problem.train_labels, 4), epochs=10, verbose=0)
    probs = model.predict(problem.test, verbose=0)
    np.save(path, probs)
    np.save(path.with_name("keras_labels.npy"), keras.utils.to_categorical(problem.test_labels, 4))
    return Truth(probs, problem.test_labels)


def keras_h5(path: Path) -> Truth:
    import h5py

    problem = data(3, 49)
    logits = _logits(problem, 3).numpy()
    with h5py.File(path, "w") as file:
        file["logits"] = logits
        file.create_dataset("y_true", data=problem.test_labels, compression="gzip")
    return Truth(softmax(logits), problem.test_labels)


def onnx_jsonl(path: Path) -> Truth:
    import onnxruntime
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    problem = data(3, 50, FEW)
    model = LogisticRegression(C=100).fit(problem.train.astype(np.float32), LEVELS[problem.train_labels])
    session = onnxruntime.InferenceSession(
        to_onnx(model, problem.train[:1].astype(np.float32)).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    _, rows = session.run(None, {"X": problem.test.astype(np.float32)})
    with path.open("w", encoding="utf-8") as file:
        for row, label in zip(rows, LEVELS[problem.test_labels], strict=True):
            file.write(json.dumps({"probabilities": row, "y_true": str(label)}) + "\n")
    probs = np.array([[row[name] for name in LEVELS] for row in rows], np.float32)
    return Truth(probs, problem.test_labels)


WRITERS = (
    Writer(
        "torch.pt",
        "torch",
        'torch.save({"logits": logits.half(), "targets": y, "epoch": 60})',
        "logits in float16, and a number that is not needed",
        "",
        ("torch",),
        torch_pt,
    ),
    Writer(
        "model.safetensors",
        "safetensors",
        'save_file({"logits": logits, "labels": y})',
        "logits in float32",
        "",
        ("safetensors", "torch"),
        safetensors_file,
    ),
    Writer(
        "lightning.pt",
        "Lightning",
        "torch.save(trainer.predict(model, loader))",
        'a list of batches `{"preds": ..., "target": ...}`',
        "--probs-key preds",
        ("lightning", "torch"),
        lightning_pt,
    ),
    Writer(
        "fastai.pt",
        "fastai",
        "torch.save(learn.get_preds())",
        "a pair: probabilities, labels",
        "--kind probs",
        ("fastai", "torch"),
        fastai_pt,
    ),
    Writer(
        "transformers.npz",
        "transformers",
        "np.savez(predictions=output.predictions, label_ids=output.label_ids)",
        "the output of `trainer.predict(ds)`, or an `EvalPrediction`: logits, float32",
        "",
        ("transformers", "torch"),
        trainer_npz,
    ),
    Writer(
        "pipeline.jsonl",
        "transformers",
        'json.dumps({"output": output, "label": y})',
        "the output of `pipe(texts, top_k=None)`: a list `[{label, score}, ...]` in each line",
        "",
        ("transformers", "torch"),
        pipeline_jsonl,
    ),
    Writer(
        "timm.csv",
        "timm",
        "inference.py --topk 0 --results-separate-col",
        "`filename`, `prob_0`, ...; the labels in a second table, in another order",
        "--labels timm_labels.csv",
        ("timm", "pandas"),
        timm_csv,
        also=("timm_labels.csv",),
    ),
    Writer(
        "timm.parquet",
        "timm",
        "inference.py --topk 0 --output-type logit --results-format parquet",
        "a column `logit` of arrays, the file names as index",
        "--labels timm_parquet_labels.csv",
        ("timm", "pandas"),
        timm_parquet,
        also=("timm_parquet_labels.csv",),
    ),
    Writer(
        "timm.json",
        "timm",
        "inference.py --topk 0 --results-format json",
        "an object by file name, `{img.png: {prob: [...]}}`",
        "--labels timm_json_labels.csv",
        ("timm", "pandas"),
        timm_json,
        also=("timm_json_labels.csv",),
    ),
    Writer(
        "timm_top.csv",
        "timm",
        "inference.py --include-index --label-type none",
        "`filename`, predicted `index`, its `prob`",
        "--key confidence=prob --key prediction=index --labels timm_labels.csv",
        ("timm", "pandas"),
        timm_top_csv,
        also=("timm_labels.csv",),
        top=True,
    ),
    Writer(
        "keras.npy",
        "Keras",
        "np.save(model.predict(X))",
        "probabilities; the labels one-hot in a second file",
        "--kind probs --labels keras_labels.npy",
        ("keras", "torch"),
        keras_npy,
        also=("keras_labels.npy",),
    ),
    Writer(
        "h5py.h5",
        "h5py",
        'file["logits"] = logits; file["y_true"] = y',
        "two datasets, one of them compressed",
        "",
        ("h5py",),
        keras_h5,
    ),
    Writer(
        "onnxruntime.jsonl",
        "ONNX Runtime, skl2onnx",
        'json.dumps({"probabilities": row, "y_true": y})',
        "an object `{class: probability}` in each line",
        "",
        ("onnxruntime", "skl2onnx"),
        onnx_jsonl,
    ),
)
