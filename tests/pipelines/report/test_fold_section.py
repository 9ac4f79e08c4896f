"""Which network: what a report says of several that were tested in the same folds."""
import statistics

from pipelines.report import fold_section
from pipelines.scores import runs
from tests.pipelines.report.test_oliveira2018 import of_folds

NEAR, FAR = (.895, .80, .695), (.60, .50, .41)


def joined(*parts):
    return runs.joined([row for part in parts for row in part])[0]


def of_lungs():
    return joined(of_folds('lungs', segmenter='unet'), of_folds('lungs', NEAR, segmenter='segnet'),
                  of_folds('lungs', FAR, segmenter='fcn8s'))


def test_networks_of_one_arm_stand_together_and_others_are_left():
    alone, others = of_folds('heart'), of_folds('clavicles', regime='synth3', num_synthetic=9)
    asked, rest = fold_section.split([*of_lungs(), *joined(alone, others)])
    assert [[row['segmenter'] for row in found] for found in asked] == [['unet', 'segnet', 'fcn8s']]
    assert sorted(row['arm'] for row in rest) == ['clavicles', 'heart']
    seeds = joined(of_folds('lungs', segmenter='unet'), of_folds('lungs', segmenter='segnet', seed=1))
    assert fold_section.split(seeds) == ([], seeds)


def test_the_answer_names_the_highest_and_who_is_not_told_from_it():
    asked, _ = fold_section.split(of_lungs())
    block, = fold_section.answered(asked)
    assert block.markdown.startswith('**Which network is best at lungs?** *U-Net, which is not told from SegNet.* J is '
                                     '80.00 ± 10.00 over 3 folds. Below it: SegNet by 0.33 [')
    # FCN-8s lies 30, 30 and 29 below: apart
    assert f'FCN-8s by {statistics.fmean((30, 30, 29)):.2f} [' in block.markdown


def test_the_table_has_a_line_a_network_and_rules_once():
    asked, _ = fold_section.split([*of_lungs(), *joined(of_folds('heart', segmenter='unet'),
                                                        of_folds('heart', FAR, segmenter='fcn8s'))])
    first, second = (block.markdown for block in fold_section.compared(asked))
    assert '| U-Net | 80.00 ± 10.00 | - | - | - |' in first and '| SegNet | 79.67 ± ' in first
    assert [line.split(' | ')[3] for line in first.splitlines() if line.startswith('| FCN-8s')] == ['yes']
    assert 'Nadeau and Bengio' in first and 'Nadeau' not in second


def test_what_was_tried_in_one_fold_stands_beside_that_fold():
    whole, tries = of_folds('lungs', segmenter='unet'), of_folds('longer', FAR, segmenter='unet')[:1]
    tries = [{**row, 'organs': whole[0]['organs'], 'images': {**row['images'], 'names': whole[0]['images']['names']}}
             for row in tries]
    rows = [*whole, *tries, *of_folds('heart', segmenter='unet')[:1]]
    assert fold_section.set_apart(rows) == (rows[3:4], rows[:3] + rows[4:])
    block, = fold_section.tried(rows)
    line, = [line for line in block.markdown.splitlines() if line.startswith('| longer')]
    own, base = (rows[number]['scores']['jaccard_per_image']['average'][0] for number in (3, 0))
    assert line.startswith(f'| longer | U-Net | 0 | {own:.2f} | {base:.2f} (lungs) | {own - base:.2f} |')
    assert fold_section.tried(whole) == fold_section.tried(of_folds('heart')[:1]) == []
