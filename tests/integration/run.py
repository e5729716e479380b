"""Runs black-box tests for ctest: `run.py FILE [TEST]`, or prints their names: `run.py --list FILE`. Exit code 77 means that all of them were skipped."""

import importlib.util
import pathlib
import sys
import unittest


def load(file):
    path = pathlib.Path(file).absolute()
    sys.path[:0] = [str(path.parent), str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent / "interop")]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def names(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from names(test)
        else:
            yield f"{type(test).__name__}.{test._testMethodName}"


def main():
    loader = unittest.TestLoader()
    if sys.argv[1] == "--list":
        print(*names(loader.loadTestsFromModule(load(sys.argv[2]))), sep="\n")
        return 0
    module = load(sys.argv[1])
    suite = loader.loadTestsFromName(sys.argv[2], module) if len(sys.argv) > 2 else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    return 77 if len(result.skipped) == result.testsRun else 0


sys.exit(main())
