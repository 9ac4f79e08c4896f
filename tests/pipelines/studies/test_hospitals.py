"""What the documents show of the study of another hospital."""
import json

from tests.pipelines.studies import hospitals, pages

REPORT = '''
## The answer

> 6 of 9 scores that the config asks for are here. Missing: some.

**study/again, 9 real images: lungs on there: is translation worth more than the best of the other ways, with 0 % of the labels there?** *Not shown.* MUNIT: J is 0.10 lower [-1.00, 0.90] than A as it is, the best of the others with 80.00 (1 training against 1 training, 3 images; basis).
**study/main, 9 real images: lungs on there: is translation worth more than the best of the other ways, with 0 % of the labels there?** *Cannot be told from one training each.* MUNIT: J is 3.10 higher [1.00, 5.20] than A as it is, the best of the others with 80.00 (1 training against 1 training, 3 images; basis).
**study/main, 9 real images: lungs on there: is translation worth more than the best of the other ways, with 5 % of the labels there?** *Not shown.* CycleGAN: J is 0.20 lower [-1.00, 0.60] than Fine-tuned, the best of the others with 84.00 (1 training against 1 training, 3 images; basis).
**study/varied, 9 real images: lungs on there: is translation worth more than the best of the other ways, with 0 % of the labels there?** *Not shown.* CycleGAN: J is 1.00 higher [-1.00, 3.00] than A as it is, the best of the others with 80.00 (1 training against 1 training, 3 images; basis).
**study/varied, 9 real images: lungs on there: is translation worth more than the best of the other ways, with 5 % of the labels there?** *Not shown.* CycleGAN: J is 2.00 higher [-1.00, 5.00] than A as it is, the best of the others with 80.00 (1 training against 1 training, 3 images; basis).

## At another hospital

### What labels are worth: study/again, 9 real images: lungs on there

| Way | 0 % of labels | 5 % of labels | 100 % of labels |
|---|---|---|---|
| MUNIT | 79.90 | - | - |
| Published: MUNIT | 88.20 ± 9.80 | 90.79 ± 7.05 | 93.18 ± 5.47 |

### What labels are worth: study/main, 9 real images: lungs on there

| Way | 0 % of labels | 5 % of labels | 100 % of labels |
|---|---|---|---|
| A as it is | 80.00 | - | - |
| CycleGAN | - | 83.80 | - |
| Published: MUNIT | 88.20 ± 9.80 | 90.79 ± 7.05 | 93.18 ± 5.47 |

**J of every image there**

| Image | A as it is, 0 % | CycleGAN, 5 % |
|---|---|---|
| one | 70.0 | 75.0 |

### Have the translators converged?

| Training | Converged? |
|---|---|
| main | yes |

### study/borders, 9 real images

| Trained on | Trainings | J on there: lungs (3 images) |
|---|---|---|
| REAL | 1 | 60.00 |

### study/main, 9 real images

| Trained on | Trainings | J at home: lungs (5 images) | HD95 mm at home | J on there: lungs (3 images) |
|---|---|---|---|---|
| REAL | 1 | 95.00 | 5.54 | 80.10 |
| MUNIT, 0 % | 1 | - | - | 83.00 |

### study/main, 9 real images: 3 images of there, against REAL

| Trained on | Difference from REAL |
|---|---|
| REAL | - |

## More
'''


def test_answers_tell_every_arm_and_what_is_missing():
    blocks = hospitals.blocks_of(REPORT)
    assert [line[:20] for line in blocks['answers'].splitlines()] == [
        '- 6 of 9 scores that', '- **study/again, 9 r', '- **study/main, 9 re', '- **study/main, 9 re',
        '- **study/varied, 9 ', '- **study/varied, 9 ']
    assert hospitals.found(REPORT) == ('with 0 % of its labels MUNIT: J 3.10 higher [1.00, 5.20] than A as it is; '
                                       'with 5 % of its labels CycleGAN: J 0.20 lower [-1.00, 0.60] than Fine-tuned; '
                                       'with 0 % of its labels CycleGAN on augmented pictures: J 1.00 higher [-1.00, 3.00] than '
                                       'A as it is; one training each')


def test_table_two_holds_the_arms_together_and_the_shares_that_were_measured():
    """The main arm first; what was published once, and none of its columns alone."""
    blocks = hospitals.blocks_of(REPORT)
    assert blocks['labels'].splitlines() == [
        '| Way | 0 % of labels | 5 % of labels |', '|---|---|---|', '| A as it is | 80.00 | - |', '| CycleGAN | - | 83.80 |',
        '| Published: MUNIT | 88.20 ± 9.80 | 90.79 ± 7.05 |', '| MUNIT (arm again) | 79.90 | - |']
    assert blocks['home'].splitlines()[2:] == ['| main | REAL | 95.00 | 80.10 |', '| borders | REAL | - | 60.00 |']
    assert blocks['images'].splitlines() == ['| Image | A as it is, 0 % |', '|---|---|', '| one | 70.0 |']
    assert blocks['converged'].splitlines()[2:] == ['| main | yes |']


def test_nothing_there_is_said():
    text = '\n## The answer\n\nNone.\n\n## At another hospital\n\nNone.\n\n## More\n'
    assert set(hospitals.blocks_of(text).values()) == {hospitals.NONE} and hospitals.found(text) == hospitals.NONE.strip()


def test_what_the_negative_brings_is_what_its_files_say():
    studies = pages.REPOSITORY / 'pipelines' / 'studies'
    files = sorted((studies / 'jsrt_to_montgomery_cpu' / 'negative').glob('*.json'))
    assert [file.stem for file in files] == ['main-0', 'plain-0', 'plain-1']
    varied, *plain = (json.loads(file.read_text())['scores']['jaccard_per_image']['lungs'][0] for file in files)
    text = ' '.join((studies / 'README.md').read_text().split())
    assert 'to the negative it reaches {:.1f} and {:.1f}, and {:.1f} where'.format(*plain, varied) in text
