"""The engines that run a network: PyTorch on CUDA or CPU, OpenVINO on CPU. Each stands behind
`base.Backend`."""
