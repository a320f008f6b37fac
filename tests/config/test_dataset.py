"""Settings of own corpora, as they are typed."""

import pytest

from plb_ablate.config.compose import compose_config, compose_sweep
from plb_ablate.config.dataset import Dataset
from plb_ablate.core.errors import ConfigError


def composed(*overrides: str) -> Dataset:
    return compose_config(overrides).dataset


MANIFEST = ("dataset=manifest", 'dataset.file="corpora/my table.v2.csv"')


def test_an_own_corpus_has_the_name_of_its_table_or_folder() -> None:
    dataset = composed(*MANIFEST)
    assert (dataset.name, dataset.root, dataset.reader) == ("my_table.v2", "corpora", "manifest")
    assert composed(*MANIFEST, "dataset.name=mine", "dataset.root=/x").root == "/x"
    assert composed("dataset=folders", "dataset.root=recordings/speech/").name == "speech"
    assert composed("dataset=manifest", "dataset.file=my.csv").root == "."


@pytest.mark.parametrize(
    ("typed", "classes"),
    [
        ("{happy:[hap,exc],sad:[sad]}", {"happy": ["hap", "exc"], "sad": ["sad"]}),
        ("{sad:[sad],happy:[hap,exc]}", {"sad": ["sad"], "happy": ["hap", "exc"]}),
        ("[sad,happy]", {"sad": ["sad"], "happy": ["happy"]}),
        ("{high:[1,2],low:0}", {"high": ["1", "2"], "low": ["0"]}),
    ],
)
def test_classes_are_typed_on_the_command_line(typed: str, classes: dict[str, list[str]]) -> None:
    dataset = composed(*MANIFEST, f"dataset.classes={typed}")
    assert list(dataset.classes.items()) == list(classes.items())
    sweep = compose_sweep(["ablation=none,sa", *MANIFEST, f"dataset.classes={typed}"], multirun=True)
    assert [job.dataset for job in sweep] == [dataset] * 2


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("dataset=manifest",), r"dataset=manifest needs a table: dataset\.file=my\.csv"),
        (("dataset=folders",), r"dataset=folders needs dataset\.root="),
        ((*MANIFEST, "dataset.classes=happy"), r"classes=happy is invalid\. Give two or more classes"),
        ((*MANIFEST, "dataset.classes={happy:[a,b]}"), "Give two or more classes"),
        ((*MANIFEST, "dataset.classes={happy:[a],sad:[]}"), r"the class sad has no labels"),
        ((*MANIFEST, "dataset.classes={happy:[a,b],sad:[b]}"), r"the label 'b' is in the classes happy and sad"),
        ((*MANIFEST, "dataset.ignore_other_labels=true"), r"needs dataset\.classes"),
        ((*MANIFEST, "dataset.complete=true"), r"needs published counts"),
        ((*MANIFEST, "dataset.reader=table"), r"reader=table is unknown\. Use manifest or folders"),
        ((*MANIFEST, "dataset.name='my corpus'"), r"name='my corpus' is invalid"),
        ((*MANIFEST, "dataset.speaker_pattern=x"), r"speaker_pattern has no effect with dataset=manifest: .*=folders"),
        (("dataset=emodb", "dataset.classes=[fear,anger]"), r"classes has no effect .* dataset=manifest and dataset=f"),
        (("dataset=emodb", "dataset.file=my.csv"), r"file has no effect with dataset=emodb"),
        (("dataset=folders", "dataset.root=x", r"dataset.speaker_pattern='\d+_'"), r"has 0 groups\. Put the speaker"),
        (("dataset=folders", "dataset.root=x", "dataset.speaker_pattern='(a)(b)'"), "has 2 groups"),
        (("dataset=folders", "dataset.root=x", "dataset.speaker_pattern='(a'"), "no regular expression: missing"),
        ((*MANIFEST, "+dataset.colour=red"), r"unknown setting: dataset\.colour"),
    ],
)
def test_what_is_missing_contradictory_or_without_effect_is_refused(overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        composed(*overrides)
