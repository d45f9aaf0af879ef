"""How fast ONNX Runtime names pictures on one thread: a rival of tests/bench/pictures. Runs in the environment that compare_pictures.py makes.

    onnx_pictures.py MODEL IMAGES LABELS

MODEL is what torch_pictures.py exported. Inputs and outputs are bound beforehand, so a call copies nothing; what a call costs by itself
("call_microseconds": a network that hands on ten numbers) is measured too. Commands on standard input, one a line, each answered by JSON:

  judge          accuracy on the pictures
  latency N S    microseconds, the median, of naming N pictures, over S seconds
"""

import json
import sys
import time

import numpy
import onnx
import onnxruntime

import rival_pictures


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bare_call():
    """A model that does nothing."""
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 10]) for name in ("pictures", "logits")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["pictures"], ["logits"])], "bare", value[:1], value[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def median_microseconds(session, inputs, outputs, seconds):
    binding = session.io_binding()
    binding.bind_ortvalue_input("pictures", onnxruntime.OrtValue.ortvalue_from_numpy(inputs))
    binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(outputs))
    for _ in range(10):
        session.run_with_iobinding(binding)
    times, ends_at = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < ends_at:
        began = time.perf_counter_ns()
        session.run_with_iobinding(binding)
        times.append(time.perf_counter_ns() - began)
    return round(sorted(times)[len(times) // 2] / 1e3, 3)


def main():
    model, *files = sys.argv[1:]
    images, labels = rival_pictures.read_pictures(*files)
    images = numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))
    session = session_of(model)
    n_classes = session.run(None, {"pictures": images[:1]})[0].shape[1]
    ten = numpy.zeros((1, 10), numpy.float32)
    facts = {"version": onnxruntime.__version__, "call_microseconds": median_microseconds(session_of(bare_call()), ten, ten.copy(), 0.2)}
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "judge":
            given = numpy.concatenate([session.run(None, {"pictures": images[first : first + 256]})[0].argmax(1) for first in range(0, len(images), 256)])
            answer = {"accuracy": round(float((given == labels).mean()), 4)}
        elif command == "latency":
            n = int(words[0])
            answer = {"microseconds": median_microseconds(session, images[:n], numpy.zeros((n, n_classes), numpy.float32), float(words[1]))}
        else:
            sys.exit(f"onnx_pictures: no such command: {command}")
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
