"""Whether synthesis helps, as blocks of a report: answers first, then tables, then what they rest on."""
from __future__ import annotations

from typing import List, Sequence

from pipelines.report import answers, document, findings, groups, plots, trials
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores import error_rates

WORDS = (
    'REAL learns from real pairs of picture and label map alone; SYNTH k from pairs that k stages of GANs made; '
    'FINETUNE k from those and then from the real ones; MIXED k from both at once, in as many updates as REAL (k = D: '
    'DF-GAN, P: the same pix2pix without its Frechet loss).',
    'RESTART is the placebo of FINETUNE k: trained twice like it, on real pairs both times. What FINETUNE k gains '
    'over RESTART comes from the synthetic pairs, and not from starting twice. FIRST is the first of its two.',
    'SELF learns from further pictures that a teacher, trained on the real pairs, labelled, and then from the real pairs: what '
    'pictures without labels are worth without any GAN. PSEUDO is the first of its two.',
    'J (Jaccard index, IoU): the overlap of prediction and target, per cent, 100 = perfect; pooled over all test '
    'pixels.',
    'Training: one segmenter, trained from one draw (the few real images that were taken) under one seed (the random '
    'numbers). Pairs of trainings share draw and seed.',
    '[a, b]: 95 % interval. A difference is told where the interval of the difference leaves out 0. p: how often '
    'images alike would differ as much; Holm and Bonferroni correct p and intervals for the number of lines.',
    'Arm: one variant of the experiment, with its own real images, GANs and samples.')


def main(rows: Sequence[Row]) -> List[Block]:
    """The answers on the test images, the tables behind them, and how sure such tables are."""
    of_test = _of_test(rows)
    if not of_test:
        return []
    compared = findings.against(of_test[0])
    blocks = [document.answer(*answer) for answer in answers.answers(compared)]
    blocks += [document.folded('The words: REAL, FINETUNE k, J, draw, interval', [document.listing(WORDS)]),
               *_tables(compared, 'differences-0', of_test[0], rules=True), document.paragraph(findings.counted(rows))]
    lines = max(len(one.found) for one in compared)
    spread = answers.variances(compared)
    if lines:
        rates = [document.paragraph(spread)] if spread else []
        rates.append(document.table(error_rates.table(lines), css='scores'))
        blocks.append(document.folded('How sure are such intervals?', rates))
    chosen = [of_images for of_images in findings.by_images(
        [row for row in rows if row['split'] == 'left_out'
         and row['arm'] == groups.configuration_of(row)]) if len(of_images) > 1]
    if chosen:
        blocks.append(document.folded('The same on learning images that the draws left out', [
            document.table(table, css='scores') for of_images in chosen
            for table in findings.tables(findings.against(of_images))]))
    return blocks


def beside(rows: Sequence[Row]) -> List[Block]:
    """Experiments of fewer trainings than the main one, and what was varied in number."""
    blocks = []
    for number, of_images in enumerate(_of_test(rows)[1:], 1):
        compared = findings.against(of_images)
        blocks += [document.heading(3, groups.group_of(of_images[0])),
                   *[document.answer(*answer) for answer in answers.answers(compared)],
                   *_tables(compared, f'differences-{number}', of_images)]
    for words, lines in trials.sweeps(rows).items():
        blocks.append(document.figure(
            f'sweep-{words}', plots.sweep(lines, words), f'Average pooled J on '
            f'the test images against the number of {words}; a point is one training.', scale=plots.SCALE))
    return blocks


def tried(rows: Sequence[Row]) -> List[Block]:
    """What was tried on images that are no test images."""
    return [document.table(table, css='scores') for table in trials.tries(rows)]


def _of_test(rows: Sequence[Row]) -> List[List[Row]]:
    return findings.by_images([row for row in rows if row['split'] == 'test'])


def _tables(compared: Sequence[findings.Against], name: str, rows: Sequence[Row], rules: bool = False
            ) -> List[Block]:
    """The first table, the figure of all, the other tables folded."""
    first, *others = [document.table(table, css='scores') for table in findings.tables(compared, rules)]
    blocks, drawn = [first], findings.differences(compared)
    placebo = [block for block, one in zip(others, compared[1:]) if one.baseline.regime == findings.PLACEBO]
    blocks += placebo
    if drawn:
        blocks.append(document.figure(
            name, plots.differences(drawn, 'difference of average pooled J, points'),
            f'{groups.group_of(rows[0])}: differences on the test images, each with its interval of all lines '
            f'together. Filled: a difference is told; hollow: none is, or one training each. An arrow with a number '
            f'is a line that lies beyond the scale.', scale=plots.SCALE))
    others = [block for block in others if block not in placebo]
    if others:
        names = ' and '.join(one.baseline.label for one in compared[1:]
                             if one.baseline.regime != findings.PLACEBO)
        blocks.append(document.folded(f'The same against {names}', others))
    return blocks
