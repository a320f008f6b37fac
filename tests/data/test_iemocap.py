from pathlib import Path

import pytest

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpora import iemocap
from plb_ablate.data.registry import read_corpus

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
VOTES = "C-E2:\tNeutral;\t()\nC-F1:\tNeutral;\t(curious)\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"


def line(turn: str, emotion: str) -> str:
    return f"[6.2901 - 8.2357]\t{turn}\t{emotion}\t[2.5000, 2.5000, 2.5000]\n"


def make(root: Path, dialog: str, *turns: tuple[str, str], recordings: bool = True) -> Path:
    """Write the evaluation file of a dialog, and an empty recording for each of its turns."""
    session = root / f"Session{dialog[4]}"
    evaluations, wavs = session / "dialog" / "EmoEvaluation", session / "sentences" / "wav" / dialog
    evaluations.mkdir(parents=True, exist_ok=True)
    wavs.mkdir(parents=True, exist_ok=True)
    text = HEADER + "".join(line(f"{dialog}_{turn}", emotion) + VOTES for turn, emotion in turns)
    (evaluations / f"{dialog}.txt").write_text(text)
    for turn, _ in turns if recordings else ():
        (wavs / f"{dialog}_{turn}.wav").touch()
    return root


def test_decode() -> None:
    text = line("Ses01F_impro01_M012", "neu").rstrip()
    turn = iemocap.decode(text)
    assert tuple(turn) == ("Ses01F_impro01_M012", 1, "Ses01F_impro01", "Ses01", "M")
    assert turn.speaker == "Ses01M"
    assert iemocap.decode(line("Ses05M_script01_1b_F003", "exc")).dialog == "Ses05M_script01_1b"


@pytest.mark.parametrize(("emotion", "label"), [("ang", 0), ("neu", 1), ("sad", 2), ("hap", 3), ("exc", 3)])
def test_labels_in_published_order(emotion: str, label: int) -> None:
    assert iemocap.decode(line("Ses01F_impro01_F000", emotion)).label == label


def test_order_is_session_then_file_then_line(tmp_path: Path) -> None:
    make(tmp_path, "Ses02F_impro01", ("M000", "neu"))
    make(tmp_path, "Ses01M_impro01", ("F000", "ang"))
    make(tmp_path, "Ses01F_script02_2", ("M001", "exc"), ("F000", "sad"))
    make(tmp_path, "Ses01F_impro02", ("F001", "hap"), ("M000", "fru"), ("F000", "xxx"), ("M001", "neu"))
    corpus = read_corpus("iemocap", tmp_path)
    assert corpus.classes == ("angry", "neutral", "sad", "happy")
    assert [path.stem for path in corpus.paths] == [
        "Ses01F_impro02_F001",
        "Ses01F_impro02_M001",
        "Ses01F_script02_2_M001",
        "Ses01F_script02_2_F000",
        "Ses01M_impro01_F000",
        "Ses02F_impro01_M000",
    ]
    assert corpus.labels.tolist() == [3, 1, 3, 2, 0, 1]
    assert corpus.speakers.tolist() == ["Ses01F", "Ses01M", "Ses01M", "Ses01F", "Ses01F", "Ses02M"]
    assert [utterance.session for utterance in corpus.utterances] == ["Ses01"] * 5 + ["Ses02"]
    assert [utterance.gender for utterance in corpus.utterances] == ["F", "M", "M", "F", "F", "M"]
    place = "Session1/sentences/wav/Ses01F_impro02/Ses01F_impro02_F001.wav"
    assert corpus.relative_paths[0] == place


def test_ratings_of_single_annotators_and_hidden_files_are_not_read(tmp_path: Path) -> None:
    make(tmp_path, "Ses01F_impro01", ("F000", "neu"))
    evaluations = tmp_path / "Session1" / "dialog" / "EmoEvaluation"
    (evaluations / "Categorical").mkdir()
    (evaluations / "Categorical" / "Ses01F_impro01_e2_cat.txt").write_text("[nonsense\n")
    (evaluations / "._Ses01F_impro01.txt").write_bytes(b"[\xff\xfe\x00\n")
    assert len(iemocap.list_utterances(tmp_path)) == 1


def test_the_parent_of_the_release_is_the_same_corpus(tmp_path: Path) -> None:
    turns = (("F000", "neu"), ("M000", "exc"))
    make(tmp_path / "plain", "Ses01F_impro01", *turns)
    make(tmp_path / "parent" / "IEMOCAP_full_release", "Ses01F_impro01", *turns)
    (tmp_path / "parent" / "IEMOCAP_full_release" / "Session1").rename(
        tmp_path / "parent" / "IEMOCAP_full_release" / "session1"
    )
    wavs = tmp_path / "parent/IEMOCAP_full_release/session1/sentences/wav"
    wavs.rename(wavs.with_name("WAV"))
    recording = wavs.with_name("WAV") / "Ses01F_impro01" / "Ses01F_impro01_M000.wav"
    recording.rename(recording.with_suffix(".WAV"))
    plain, parent = (read_corpus("iemocap", tmp_path / name) for name in ("plain", "parent"))
    assert parent.relative_paths == plain.relative_paths
    assert parent.labels.tolist() == plain.labels.tolist()
    assert plain.notes == ()
    assert parent.notes == (f"iemocap: read 2 recordings in {tmp_path / 'parent' / 'IEMOCAP_full_release'}.",)


def test_a_release_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    for place in ("a", "b"):
        make(tmp_path / place, "Ses01F_impro01", ("M000", "neu"), ("F000", "ang"))
    corpus = read_corpus("iemocap", tmp_path)
    assert [path.stem[-4:] for path in corpus.paths] == ["M000", "F000"]
    assert any(f"2 copies in {tmp_path / 'b'} not counted again" in note for note in corpus.notes)
    make(tmp_path / "b", "Ses01F_impro01", ("M000", "neu"), ("F000", "sad"))
    with pytest.raises(CorpusError, match=r"Ses01F_impro01_F000\.wav: different labels"):
        read_corpus("iemocap", tmp_path)


def test_spaces_votes_of_several_names_and_blank_votes(tmp_path: Path) -> None:
    make(tmp_path, "Ses01F_impro01", ("F000", "neu"), ("M000", "ang"))
    file = tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    votes = "C-E2:\tNeutral; Anger;\t()\nC-E3:\t;\t()\nC-F1:\t\t()\nA-E3:\tval  ; act 2; dom  2;\t()\n\n"
    file.write_text(
        file.read_text().replace(VOTES, votes).replace("]\tSes01F_impro01_M000\t", "]  Ses01F_impro01_M000  ")
    )
    utterances = iemocap.list_utterances(tmp_path)
    assert [(utterance.path.stem[-4:], utterance.label) for utterance in utterances] == [("F000", 1), ("M000", 0)]


def test_files_of_single_annotators_beside_the_labels_are_not_read(tmp_path: Path) -> None:
    make(tmp_path, "Ses01F_impro01", ("F000", "neu"))
    evaluations = tmp_path / "Session1" / "dialog" / "EmoEvaluation"
    for name in ("Ses01F_impro01_e2_cat.txt", "Ses01F_impro01_e3_atr.txt"):
        (evaluations / name).write_text("[nonsense\n")
    (evaluations / "Ses01F_impro01_e2.anvil").write_text("[nonsense\n")
    assert len(iemocap.list_utterances(tmp_path)) == 1


def test_dialogs_whose_names_begin_alike_stay_apart(tmp_path: Path) -> None:
    make(tmp_path, "Ses05M_script01_1b", ("F000", "sad"), ("M000", "neu"))
    make(tmp_path, "Ses05M_script01_1", ("F000", "ang"))
    corpus = read_corpus("iemocap", tmp_path)
    assert [path.stem for path in corpus.paths] == [
        "Ses05M_script01_1_F000",
        "Ses05M_script01_1b_F000",
        "Ses05M_script01_1b_M000",
    ]
    assert corpus.labels.tolist() == [0, 2, 1]
    assert corpus.speakers.tolist() == ["Ses05F", "Ses05F", "Ses05M"]


def test_all_problems_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "Ses01F_impro01", ("F000", "neu"), ("F001", "joy"), ("Q000", "neu"))
    make(tmp_path, "Ses03M_impro02", ("F000", "ang"), ("F001", "fru"), recordings=False)
    with (tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt").open("a") as file:
        file.write("[broken line\n" + line("Ses01F_impro09_F000", "neu"))
    with pytest.raises(CorpusError, match="5 entries") as caught:
        iemocap.list_utterances(tmp_path)
    message = str(caught.value)
    for part in (
        "Ses01F_impro01.txt, line 8: label 'joy'",
        "ang, neu, sad, hap, exc, fru, sur, fea, dis, oth, xxx",
        "turn 'Ses01F_impro01_Q000'",
        "'[broken line' is not an evaluation line",
        "turn Ses01F_impro09_F000 belongs to the dialog Ses01F_impro09",
        "Ses03M_impro02.txt, line 3: the recording",
        "Ses03M_impro02_F000.wav is missing",
    ):
        assert part in message
    assert "Ses03M_impro02_F001" not in message


def test_missing_and_empty_root(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"does not exist.*Session1/dialog/EmoEvaluation.*Set dataset\.root="):
        iemocap.list_utterances(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="is empty"):
        iemocap.list_utterances(tmp_path)
    (tmp_path / "Session1" / "dialog").mkdir(parents=True)
    with pytest.raises(CorpusError, match="contains no recordings in the layout"):
        iemocap.list_utterances(tmp_path)
