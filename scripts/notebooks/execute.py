"""Executes one notebook through its kernel, with nbconvert, and writes it with its outputs.

Arguments: the notebook, the file to write, the folder to run in. Prints a line of JSON once the kernel answers, for each
cell that begins, for each that ends, with its seconds, and for the first that fails; the notebook is written in either
case. Exit code 1 after a failed cell.
"""

import json
import sys
import time

import nbformat
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor


def say(**event):
    print(json.dumps(event), flush=True)


class Executor(ExecutePreprocessor):
    cell_number = 0

    def preprocess(self, *args, **options):
        self.started = time.monotonic()
        return super().preprocess(*args, **options)

    def preprocess_cell(self, cell, resources, index):
        if index == 0:
            say(kernel=time.monotonic() - self.started)
        if cell.cell_type != 'code' or not cell.source.strip():
            return super().preprocess_cell(cell, resources, index)
        self.cell_number = index + 1
        say(cell=index + 1, of=len(self.nb.cells))
        began = time.monotonic()
        result = super().preprocess_cell(cell, resources, index)
        say(ended=index + 1, seconds=time.monotonic() - began)
        return result


def main(source, target, folder):
    notebook = nbformat.read(source, as_version=4)
    executor = Executor(timeout=None, startup_timeout=180, record_timing=False)
    failed = False
    try:
        executor.preprocess(notebook, {'metadata': {'path': folder}})
    except CellExecutionError as error:
        failed = True
        outputs = notebook.cells[executor.cell_number - 1].get('outputs', [])
        shown = ['\n'.join(output.traceback) for output in outputs if output.output_type == 'error']
        say(failed=executor.cell_number, error='\n'.join(shown) or str(error))
    except Exception as error:
        say(failed=executor.cell_number, error=f'the kernel ended or does not answer ({type(error).__name__}: {error})')
        failed = True
    nbformat.write(notebook, target)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
