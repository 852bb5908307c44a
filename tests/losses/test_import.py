"""torch is asked for where it is needed, and only there."""

from __future__ import annotations

import subprocess
import sys

BLOCKED = """
import sys
sys.modules["torch"] = None
try:
    import calibeval.losses
except ImportError as error:
    from calibeval.core.errors import UsageError
    print(type(error).__name__, isinstance(error, UsageError), error)
"""


def run(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_the_package_imports_no_torch():
    assert run("import calibeval, sys; calibeval.Predictions; print('torch' in sys.modules)") == "False"


def test_without_torch_the_message_says_what_to_install():
    assert run(BLOCKED) == "MissingTorch True calibeval.losses needs torch: pip install 'calibeval[torch]'"


def test_a_missing_part_of_calibeval_is_no_missing_torch():
    code = BLOCKED.replace('sys.modules["torch"]', 'sys.modules["calibeval.losses.margin"]')
    assert run(code).startswith("ModuleNotFoundError False import of calibeval.losses.margin halted")
