"""A model folder run by other people's code: efficientnet-lite-pytorch's EfficientNet and transformers' BertModel, in float32.

It reads the shipped files (int8 rows times their scales), so what it answers is what the C encoder has to answer.
"""

import json
import os

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import common
from features import load_squashed


def dequantise(t):
    out = {}
    for k, v in t.items():
        if k.endswith(".scale") and k[:-5] + "weight" in t:
            continue
        s = t.get(k[: -len("weight")] + "scale") if k.endswith("weight") else None
        out[k] = v.float() * s[:, None] if s is not None else v.float()
    return out


class Reference:
    def __init__(self, folder):
        from transformers import BertModel

        self.folder = folder
        self.config = json.load(open(os.path.join(folder, "config.json"), encoding="utf-8"))
        self.heads = {"image": dequantise(self.load("head-image.safetensors"))}
        self.towers, self.toks = {}, {}
        for t in self.config["text"]:
            state = dequantise(self.load(t["weights"]))
            tower = BertModel(
                common.bert_config(
                    state["embeddings.word_embeddings.weight"].shape[0],
                    t["layers"],
                    t["hidden"],
                    t["heads"],
                    t["intermediate"],
                ),
                add_pooling_layer=False,
            )
            missing, extra = tower.load_state_dict(state, strict=False)
            assert not extra and not [m for m in missing if "_ids" not in m], (missing, extra)
            self.towers[t["language"]] = tower.eval()
            self.toks[t["language"]] = common.tokenizer(os.path.join(folder, t["vocab"]))
            self.heads[t["language"]] = dequantise(self.load(t["head"]))
        self.net = self.image_net()

    def load(self, name):
        return load_file(os.path.join(self.folder, name))

    def image_net(self):
        """EfficientNet with its batch norms still there, each made to add the folded bias."""
        from efficientnet_lite_pytorch import EfficientNet

        t = dequantise(self.load("image.safetensors"))
        net = EfficientNet.from_name("efficientnet-lite2").eval()

        def put(conv, bn, name, weight):
            assert conv.weight.shape == weight.shape
            conv.weight.data.copy_(weight)
            bn.weight.data.fill_(1), bn.running_mean.zero_(), bn.running_var.fill_(1 - bn.eps)
            bn.bias.data.copy_(t[name + ".bias"])

        put(net._conv_stem, net._bn0, "stem", t["stem.weight"].permute(0, 3, 1, 2))
        for i, b in enumerate(net._blocks):
            p = f"blocks.{i}."
            if p + "expand.weight" in t:
                put(b._expand_conv, b._bn0, p + "expand", t[p + "expand.weight"][:, :, None, None])
            put(
                b._depthwise_conv,
                b._bn1,
                p + "depthwise",
                t[p + "depthwise.weight"].permute(2, 0, 1)[:, None],
            )
            put(b._project_conv, b._bn2, p + "project", t[p + "project.weight"][:, :, None, None])
        put(net._conv_head, net._bn1, "top", t["top.weight"][:, :, None, None])
        self.tapped = {}
        for i in self.config["image"]["taps"]:
            net._blocks[i].register_forward_hook(
                lambda m, x, y, i=i: self.tapped.__setitem__(i, y.mean((2, 3)))
            )
        return net

    def head(self, name, x):
        h = self.heads[name]
        z = (x - h["mean"]) * h["scale"]
        y = F.linear(z, h["linear.weight"], h["linear.bias"])
        if "fc1.weight" in h:
            y = y + F.linear(
                F.gelu(F.linear(z, h["fc1.weight"], h["fc1.bias"])), h["fc2.weight"], h["fc2.bias"]
            )
        return F.normalize(y, dim=1)

    def images(self, u8, batch=32):
        """Unit vectors of [n,S,S,3] uint8 pictures, already squashed."""
        c, out = self.config["image"], []
        mean, std = torch.tensor(c["mean"]).view(1, 3, 1, 1), torch.tensor(c["std"]).view(1, 3, 1, 1)
        with torch.no_grad():
            for b in range(0, len(u8), batch):
                x = torch.from_numpy(np.array(u8[b : b + batch])).permute(0, 3, 1, 2).float() / 255
                y = self.net.extract_features((x - mean) / std).mean((2, 3))
                out.append(self.head("image", torch.cat([y] + [self.tapped[i] for i in c["taps"]], 1)))
        return torch.cat(out)

    def image_files(self, paths):
        size = self.config["image"]["size"]
        return self.images(np.stack([np.asarray(load_squashed(p, size)) for p in paths]))

    def texts(self, texts, batch=64):
        """Unit vectors of texts, each by the tower that its script calls for."""
        out = torch.zeros(len(texts), self.config["dim"])
        zh = "zh" if "zh" in self.towers else "en"
        lang = [zh if common.has_han(t) else "en" for t in texts]
        with torch.no_grad():
            for name in set(lang):
                at = [i for i, x in enumerate(lang) if x == name]
                for b in range(0, len(at), batch):
                    part = at[b : b + batch]
                    f = common.encode(
                        lambda ids, m: mean_pool(
                            self.towers[name](input_ids=ids, attention_mask=m).last_hidden_state, m
                        ),
                        self.toks[name],
                        [texts[i] for i in part],
                        chunks=2,
                    )
                    out[torch.tensor(part)] = self.head(name, f)
        return out


def mean_pool(h, mask):
    m = mask.unsqueeze(2).float()
    return (h * m).sum(1) / m.sum(1)
