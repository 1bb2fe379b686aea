"""`chainrule images`: pretrained networks, features, linear classifiers on photographs."""

import typer

from chainrule.cli import (
    images_classify,
    images_evaluate,
    images_features,
    images_fetch,
    images_find,
    images_predict,
    images_train,
)

app = typer.Typer(
    help="""Photographs: classify, features, linear SVM, average precision.

    Example: chainrule images classify photo.jpg
    """,
    no_args_is_help=True,
)
app.command()(images_classify.classify)
app.command()(images_features.features)
app.command()(images_evaluate.evaluate)
app.command()(images_train.train)
app.command("test")(images_train.judge_classifier)
app.command()(images_predict.predict)
app.command()(images_find.clean)
app.command()(images_find.similar)
app.command()(images_features.export)
app.command()(images_fetch.pull)
app.command()(images_fetch.fetch)
