"""The documents show what the reports of the studies say."""
import pytest

from tests.pipelines.studies import folds, pages, synthesis

REPORT = '''
## The answer

**Which network is best at heart?** *U-Net, which is not told from SegNet.* J is 89.00 ± 0.50 over 5 folds. Below it: more.

> 15 of 21 scores that the config asks for are here. Missing: some.

## Published and measured

### Table I of somebody

| Task | Method | J published | J ours | DSC published |
|---|---|---|---|---|
| Lungs | FCN; ours: FCN-8s (1) | 95.05 ± 0.20 | - | 97.45 |
| Heart | FCN; ours: FCN-8s | 89.25 ± 0.56 | 81.00 ± 0.10 | 94.24 |
| Heart | Ours: U-Net | - | 89.00 ± 0.50 | - |

## More
'''


@pytest.mark.parametrize('page', pages.PAGES, ids=lambda page: str(page.relative_to(pages.REPOSITORY)))
def test_documents_show_what_the_reports_say(reports, page):
    """Where this fails results or a report moved: `python -m tests.pipelines.studies.pages` writes the pages anew."""
    text = page.read_text(encoding='utf-8')
    assert pages.BLOCK.search(text) and pages.filled(text, pages.blocks_of(reports)) == text


def test_every_study_in_the_repository_has_its_row():
    known = {study for study, *_ in pages.STUDIES.values()}
    assert {path.name for path in pages.FOLDER.iterdir() if path.is_dir()} <= known


def test_a_study_without_rows_shows_nothing(monkeypatch, tmp_path):
    """Its blocks are empty and README's table is without it; a block that nobody makes is no study's."""
    monkeypatch.setattr(pages, 'FOLDER', tmp_path)
    (tmp_path / 'lesions_cpu').mkdir()
    (tmp_path / 'lesions_cpu' / 'config.yaml').write_text('experiment: lesions_cpu\n')
    assert pages.reports(tmp_path / 'reports') == {}
    made = pages.blocks_of({})
    assert set(made) == {'studies: found'} and made['studies: found'].count('\n') == 2
    assert pages.filled('<!-- lesions: gain -->\nold\n<!-- end -->\n', made) == '<!-- lesions: gain -->\n<!-- end -->\n'
    with pytest.raises(KeyError, match='lesion: gain'):
        pages.filled('<!-- lesion: gain -->\n<!-- end -->\n', made)


def test_folds_show_what_is_there_and_say_what_is_missing():
    """Table I is turned: a line a network, marks of footnotes left out."""
    blocks = folds.blocks_of(REPORT)
    assert [line[:40] for line in blocks['answers'].splitlines()] == [
        '- **Which network is best at heart?** *U', '- 15 of 21 scores that the config asks f']
    assert blocks['table'].splitlines()[2:] == [
        '| FCN; ours: FCN-8s | 95.05 ± 0.20 / - | 89.25 ± 0.56 / 81.00 ± 0.10 | - / - |',
        '| Ours: U-Net | - / - | - / 89.00 ± 0.50 | - / - |']
    assert folds.found(REPORT) == 'heart: U-Net 89.00 ± 0.50'


def test_what_was_tried_in_one_fold_is_shown_without_its_heading():
    tried = '### Tried in one fold\n\n| Arm | J |\n|---|---|\n| longer | 80 |\n\n- J per image.\n'
    blocks = folds.blocks_of(f'{REPORT}\n## What was tried\n\n{tried}\n## More\n')
    assert blocks['tried'] == '| Arm | J |\n|---|---|\n| longer | 80 |\n\n- J per image.\n'
    assert folds.blocks_of(REPORT)['tried'] == folds.NONE_TRIED


def test_no_network_with_all_its_folds_is_said():
    text = '\n## The answer\n\n> Left out, for folds are missing.\n\n## More\n'
    assert folds.found(text) == folds.NONE.strip() and set(folds.blocks_of(text).values()) == {folds.NONE, folds.NONE_TRIED}


def test_what_is_found_of_synthesis_is_both_answers():
    text = ('\n## The answer\n\n**Is FINETUNE 3 better than REAL, trained on few?** *Not shown.* J is 0.16 higher [-0.16, 0.51], an\n'
            '**Is FINETUNE 3 better than RESTART, its placebo?** *Yes.* J is 0.003 lower [-0.30, 0.31], and\n')
    assert synthesis.found(text) == ('not shown against REAL, J is 0.16 higher [-0.16, 0.51]; '
                                     'yes against RESTART, J is 0.003 lower [-0.30, 0.31]')
