"""Detectors in numpy: what a model file says of itself, how its head is decoded, which engine runs it.

`metadata` reads ONNX and TFLite files with nothing but the standard library, so that the command line can;
`detector.open_detector` needs OpenCV and an engine (extras `onnxruntime`, `openvino`, `litert`), as a Processing has.
A head is one file in `heads/`, an engine one in `engines/`; nothing imports them by name.
"""
