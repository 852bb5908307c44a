"""Examples below the help of each command; the suite runs every one of them."""

REPORT = """\b
Examples:
  $ calibeval report sample_data/diamonds.npz#test
  $ calibeval report sample_data/digits_val.npz sample_data/digits_test.csv
  $ calibeval report sample_data/diamonds.npz#test --fit-on sample_data/diamonds.npz#val
  $ calibeval report sample_data/digits_test.npz --cross-fit 5 --out release
  $ calibeval report sample_data/digits_test.npz --json --no-intervals
  $ calibeval report sample_data/digits_test.npz --format latex
  $ calibeval report sample_data/digits_test.npz --figure reliability.pdf --width 3.5
  $ calibeval report sample_data/digits_test.npz --explain-conventions
"""

INSPECT = """\b
Examples:
  $ calibeval inspect sample_data/diamonds.npz
  $ calibeval inspect sample_data/diamonds.npz#val --json
  $ calibeval inspect sample_data/digits_test.csv --kind logits
"""

FIT = """\b
Examples:
  $ calibeval fit sample_data/diamonds.npz#val --out map.json
  $ calibeval fit sample_data/digits_val.npz --method auto
"""

APPLY = """\b
Examples:
  $ calibeval apply map.json sample_data/diamonds.npz#test --out repaired.npz
"""

FINETUNE = """\b
Examples:
  $ calibeval finetune sample_data/diamonds_features.npz#train --val sample_data/diamonds_features.npz#val \\
      -o run --epochs 3
  $ calibeval finetune sample_data/diamonds_features.npz#train --val sample_data/diamonds_features.npz#val \\
      -o tuned --loss ce,mbls --tune --trials 2 --epochs 2
  $ calibeval finetune sample_data/diamonds_features.npz#train --val sample_data/diamonds_features.npz#val \\
      -o continued --head sample_data/diamonds_features.npz#head --epochs 2
"""

PREDICT = """\b
Examples:
  $ calibeval predict run sample_data/diamonds_features.npz#test --out predicted.npz
"""
