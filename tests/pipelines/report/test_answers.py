"""What a report says first, of results made by hand."""
import pytest

from pipelines.report import answers, findings
from tests.pipelines.report.test_findings import runs


def asked(*rows):
    return answers.answers(findings.against([row for some in rows for row in some]))


def test_the_answer_says_by_how_much_how_sure_and_on_what():
    first, placebo = asked(runs('real', .85, (0, 1, 2), (0, 1)), runs('finetune3', .9, (0, 1, 2), (0, 1)),
                           runs('finetune1', .85, (0,), (0, 1)), runs('synth3', .7, (0, 1, 2), (0, 1)))
    assert first.question == 'Is FINETUNE 3 better than REAL, trained on real pairs alone?'
    assert first.verdict == 'Yes, higher.' and first.text.startswith('J is 5.0')
    assert 'an interval without 0: 20 images, 2 draws of 16 real images, 6 pairs of trainings.' in first.text
    assert 'Beside it: FINETUNE 1 ' in first.text and '2 pairs of trainings)' in first.text
    assert 'SYNTH' not in first.text
    assert placebo.verdict == 'Not measured.' and 'RESTART' in placebo.text


def test_the_placebo_is_asked_as_soon_as_it_is_there():
    rows = runs('real', .8, (0, 1), (0, 1)), runs('finetune3', .9, (0, 1), (0, 1))
    real, placebo = asked(*rows, runs('restart', .9, (0, 1), (0, 1)), runs('first', .7, (0, 1), (0, 1)))
    assert real.verdict == 'Yes, higher.' and placebo.verdict == 'Not shown.'
    assert placebo.question.startswith('Is FINETUNE 3 better than RESTART, its placebo')
    assert 'an interval that holds 0' in placebo.text and '4 pairs of trainings' in placebo.text


def test_another_network_is_asked_about():
    *_, other = asked(runs('real', .85, (0, 1)), runs('finetune3', .85, (0, 1)),
                      runs('real', .9, (0, 1), segmenter='unet'))
    assert other.question == 'Is SMANet with FINETUNE 3 better than a U-Net on real pairs alone?'
    assert other.verdict == 'No, lower.' and 'J is 5.0' in other.text and 'lower [' in other.text


@pytest.mark.parametrize('rows, verdict', [
    ((runs('real', .85), runs('finetune3', .9)), 'Cannot be told from one training each.'),
    ((runs('real', .85, (0, 1)), runs('synth2', .8, (0, 1))), 'No, lower.')])
def test_what_else_there_may_be(rows, verdict):
    assert asked(*rows)[0].verdict == verdict


def test_nothing_is_answered_without_real_or_without_synthesis():
    assert asked(runs('finetune3', .9)) == [] == asked(runs('real', .9))


def test_the_variances_of_pairs_are_said():
    compared = findings.against([*runs('real', .85, (0, 1, 2), (0, 1)), *runs('finetune3', .9, (0, 1, 2), (0, 1))])
    said = answers.variances(compared)
    assert said.startswith('The 6 paired differences between FINETUNE 3 and REAL vary with the seed by 0.0')
    assert 'as far as 2 draws can tell' in said
    assert answers.variances(findings.against([*runs('real', .85), *runs('finetune3', .85)])) is None
