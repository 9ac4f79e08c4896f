"""Under which terms the owners of data sets let others use them, as model cards and datasheets repeat them.

As we read them; the owners' own words count. A row for each name of READERS that has terms of its own.
"""
from __future__ import annotations

from typing import Dict

DRAWN = 'drawn by this program, from no patient: no terms'
OWN = 'not said; `data.terms` of the config takes them, and this is written anew'
TERMS: Dict[str, str] = {
    'jsrt': 'JSRT for research only, no copying or redistribution (Shiraishi et al., AJR 174 (2000) 71); masks of SCR for '
            'research and education, no redistribution (van Ginneken et al., Medical Image Analysis 10 (2006) 19); cite '
            'both',
    'montgomery': 'U.S. National Library of Medicine, for research, not to be passed on (Jaeger et al., Quant. Imaging '
                  'Med. Surg. 4 (2014) 475; Candemir et al., IEEE TMI 33 (2014) 577); cite both',
    'shenzhen': 'U.S. National Library of Medicine with Shenzhen No. 3 People\'s Hospital, for research, not to be passed '
                'on (Jaeger et al., Quant. Imaging Med. Surg. 4 (2014) 475); masks of Stirenko et al. (2018), stated as '
                'CC BY-NC-SA 4.0',
    'siim_acr': 'SIIM-ACR Pneumothorax Segmentation (2019), under the rules of the competition',
    'drive': 'DRIVE: its terms forbid copies (Staal et al., IEEE TMI 23 (2004) 501)',
    'chase_db1': 'Kingston University, for training and testing algorithms (Fraz et al., IEEE TBME 59 (2012) 2538; Owen et '
                 'al., IOVS 50 (2009) 2004)',
    'stare': 'STARE, for research (Hoover et al., IEEE TMI 19 (2000) 203)',
    'hrf': 'HRF, of Erlangen and Brno (Budai et al., Int. J. Biomedical Imaging (2013) 154860); see its owners\' page'}


def terms_of(dataset: str, is_drawn: bool) -> str:
    """The terms of a data set by its name in a config, that of another observer or selection of it among them."""
    if is_drawn:
        return DRAWN
    return next((text for name, text in TERMS.items() if dataset == name or dataset.startswith(f'{name}_')), OWN)
