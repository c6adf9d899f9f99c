"""The architecture of the bundled model in plain torch: the same function as open_clip's, without its imports.

Importing open_clip, timm and what they import takes longer than importing torch itself. A folder whose description
asks for exactly this architecture is therefore built here; parts are named as in open_clip's state dict, so that its
weights files load as they are. The image tower is CSPDarknet with three-convolution cross stages (C.-Y. Wang et al.,
arXiv 1911.11929; timm's cs3darknet_focus_s), the text tower CLIP's causal transformer (A. Radford et al.,
arXiv 2103.00020).
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from pipeline.small_clip_sizes import SmallClipSizes

STEM_WIDTH = 32
STAGES = ((64, 1), (128, 3), (256, 4), (512, 1))
"""Channels and blocks of each stage; each halves the picture's side."""


class SmallClip(nn.Module):
    """Image and text tower; answers to what the rest of the program asks of open_clip's CLIP.

    Attributes
    ----------
    logit_scale : nn.Parameter, ()
    attn_mask : (context, context)
        Added to the attention's logits: -inf above the diagonal.
    text_pool_type, text_eos_id : str, int
        A text's feature is that of its end-of-text token.
    """

    attn_mask: Tensor

    def __init__(self, sizes: SmallClipSizes) -> None:
        super().__init__()
        self.visual = ImageTower(sizes.image_size, sizes.embed_dim)
        self.token_embedding = nn.Embedding(
            sizes.vocab_size, sizes.width, _weight=torch.empty(sizes.vocab_size, sizes.width)
        )
        self.positional_embedding = nn.Parameter(torch.empty(sizes.context_length, sizes.width))
        self.transformer = Transformer(sizes.width, sizes.heads, sizes.layers)
        self.ln_final = nn.LayerNorm(sizes.width)
        self.text_projection = nn.Parameter(torch.empty(sizes.width, sizes.embed_dim))
        self.logit_scale = nn.Parameter(torch.empty(()))
        mask = torch.full((sizes.context_length, sizes.context_length), float("-inf"), device="cpu").triu_(1)
        self.register_buffer("attn_mask", mask, persistent=False)
        self.text_pool_type, self.text_eos_id = "eos", sizes.eos_id

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Give features, (N, C), of normalised pictures, (N, 3, S, S)."""
        features: Tensor = self.visual(image)
        return functional.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Give features, (N, C), of tokens, int64 (N, context)."""
        x = self.token_embedding(text) + self.positional_embedding
        x = self.ln_final(self.transformer(x, attn_mask=self.attn_mask))
        ends = (text == self.text_eos_id).int().argmax(dim=-1)
        features = x[torch.arange(len(x), device=x.device), ends] @ self.text_projection
        return functional.normalize(features, dim=-1) if normalize else features


class ImageTower(nn.Module):
    """Normalised pictures, (N, 3, S, S), to features, (N, C)."""

    def __init__(self, image_size: int, embed_dim: int) -> None:
        super().__init__()
        self.image_size = (image_size, image_size)
        self.trunk = _Trunk()
        self.head = nn.Sequential(OrderedDict(proj=nn.Linear(STAGES[-1][0], embed_dim, bias=False)))

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.head(self.trunk(x).mean((2, 3)))
        return features


class _Trunk(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv1=ConvNormAct(3, STEM_WIDTH, 6, stride=2, padding=2)))
        before = (STEM_WIDTH, *(width for width, _ in STAGES))
        self.stages = nn.Sequential(*(_Stage(i, width, n) for i, (width, n) in zip(before, STAGES, strict=False)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.stages(self.stem(x))
        return y


class _Stage(nn.Module):
    """Halves the picture; half of the channels go through blocks, the other half past them."""

    def __init__(self, channels_in: int, channels: int, blocks: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv_down = ConvNormAct(channels_in, channels_in, 3, stride=2, padding=1)
        self.conv_exp = ConvNormAct(channels_in, channels, 1)
        self.blocks = nn.Sequential(*(_Block(half) for _ in range(blocks)))
        self.conv_transition = ConvNormAct(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        through, past = self.conv_exp(self.conv_down(x)).chunk(2, dim=1)
        y: Tensor = self.conv_transition(torch.cat([self.blocks(through), past], dim=1))
        return y


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(channels, channels, 1)
        self.conv2 = ConvNormAct(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(self.conv1(x)) + x
        return y


class ConvNormAct(nn.Module):
    """Convolution, batch norm by the running averages, SiLU."""

    def __init__(self, channels_in: int, channels: int, size: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, size, stride, padding, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(self.bn(self.conv(x)))

    @torch.no_grad()
    def fold(self) -> None:
        """Take the batch norm into the convolution: the same function of a frozen model in fewer steps."""
        norm = self.bn
        if not isinstance(norm, nn.BatchNorm2d):
            return
        assert norm.running_mean is not None
        assert norm.running_var is not None
        factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        bias = norm.bias.double() - norm.running_mean.double() * factor
        weight = self.conv.weight
        self.conv.weight = nn.Parameter((weight.double() * factor[:, None, None, None]).to(weight.dtype))
        self.conv.bias = nn.Parameter(bias.to(weight.dtype))
        self.bn = nn.Identity()


class Transformer(nn.Module):
    """Residual attention blocks."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_AttentionBlock(width, heads) for _ in range(layers))

    def get_cast_dtype(self) -> torch.dtype:
        """Give the number format of the weights."""
        return next(self.parameters()).dtype

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """Give (N, L, width) for (N, L, width); the mask, (L, L), is added to the attention's logits."""
        for block in self.resblocks:
            x = block(x, attn_mask)
        return x


class _AttentionBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = _Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, 4 * width), gelu=nn.GELU(), c_proj=nn.Linear(4 * width, width))
        )

    def forward(self, x: Tensor, attn_mask: Tensor | None) -> Tensor:
        x = x + self.attn(self.ln_1(x), attn_mask)
        y: Tensor = x + self.mlp(self.ln_2(x))
        return y


class _Attention(nn.Module):
    """Attention of several heads; its parameters are named as in torch's own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        count, length, width = x.shape
        projected = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        split = projected.view(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        attended = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=None if mask is None else mask.to(x.dtype)
        )
        y: Tensor = self.out_proj(attended.transpose(1, 2).reshape(count, length, width))
        return y


def load_small_clip(sizes: SmallClipSizes, weights: Path, *, folded: bool = True) -> SmallClip:
    """Build the model in fp32 on the CPU and load its weights strictly.

    Parameters
    ----------
    sizes : SmallClipSizes
    weights : Path
        A .safetensors file with open_clip's names, in any number format.
    folded : bool
        Take the batch norms into the convolutions.

    Raises
    ------
    RuntimeError
        Weights of another architecture.
    OSError, safetensors.SafetensorError
        A file that cannot be read.
    """
    state = {name: _plain(tensor) for name, tensor in load_file(weights).items()}
    with torch.device("meta"):  # without storage: nothing is drawn at random only to be overwritten
        module = SmallClip(sizes)
    module.load_state_dict(state, strict=True, assign=True)
    module.eval().requires_grad_(False)
    if folded:
        for part in module.modules():
            if isinstance(part, ConvNormAct):
                part.fold()
        module.requires_grad_(False)
    # Convolutions of a single frame are a tenth faster with the channels of a pixel side by side.
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _plain(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
