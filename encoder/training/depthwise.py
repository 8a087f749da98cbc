"""A depthwise convolution whose backward pass is fast on the CPU; falls back to the library's where depthwise.c can not be built."""

import ctypes
import os
import subprocess
import tempfile

import torch
from torch.nn import functional as F


def build():
    src = os.path.join(os.path.dirname(os.path.abspath(__file__)), "depthwise.c")
    out = os.path.join(tempfile.gettempdir(), "duet-depthwise-%d.so" % int(os.stat(src).st_mtime))
    if not os.path.exists(out):
        flags = ["-O3", "-march=native", "-mavx512f", "-mavx512bf16", "-fopenmp", "-shared", "-fPIC"]
        if subprocess.run(["cc", *flags, src, "-o", out]).returncode:
            return None
    lib = ctypes.CDLL(out)
    lib.depthwise_backward.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_long] * 9
    return lib


LIB = build() if "avx512_bf16" in open("/proc/cpuinfo").read() else None


class Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, pad):
        """x is channels-last bfloat16 and already padded for stride 2 (then pad is 0)."""
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.pad = stride, pad
        return F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), stride, pad, 1, x.shape[1])

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        n, c, h, w = x.shape
        k = weight.shape[2]
        g = g.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        taps = weight.detach().float().reshape(c, k * k).t().contiguous()
        gw, gx = torch.empty(k * k, c), torch.empty_like(x, memory_format=torch.channels_last)
        LIB.depthwise_backward(
            x.data_ptr(),
            g.data_ptr(),
            taps.data_ptr(),
            gw.data_ptr(),
            gx.data_ptr(),
            n,
            h,
            w,
            c,
            g.shape[2],
            g.shape[3],
            k,
            ctx.stride,
            ctx.pad,
        )
        bias = g.permute(0, 2, 3, 1).reshape(-1, c).sum(0, dtype=torch.float32)
        return gx, gw.t().reshape(c, 1, k, k), bias, None, None


def usable(x):
    return (
        LIB is not None
        and torch.is_autocast_enabled("cpu")
        and torch.is_grad_enabled()
        and x.shape[1] % 16 == 0
    )
