"""Average precision of the detections of voc2012-100, from the definitions. Usage: ap.py VOC2012-100 OUT.json

VOC: Everingham et al. 2010 (11 points) and 2015 (all points), with pixels counted inclusively, in exact fractions.
COCO: pycocotools 2.0.11, once with every box and once with VOC's difficult boxes as crowds.
"""
import contextlib
import glob
import io
import json
import os
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction

import pycocotools.coco
import pycocotools.cocoeval

root, out = sys.argv[1], sys.argv[2]
names = open(f"{root}/voc.names").read().split()
photos = sorted(os.path.basename(path)[:-4] for path in glob.glob(f"{root}/gts/pascalvoc_format/*.xml"))
truths, detections = [], []
for photo in photos:
    for thing in ET.parse(f"{root}/gts/pascalvoc_format/{photo}.xml").iter("object"):
        box = [int(thing.find("bndbox").find(edge).text) for edge in ("xmin", "ymin", "xmax", "ymax")]
        truths.append((photo, names.index(thing.find("name").text), box, thing.find("difficult").text == "1"))
    path = f"{root}/dets/abs_xyx2y2/{photo}.txt"
    for line in open(path) if os.path.exists(path) else []:
        kind, score, *box = line.split()
        detections.append((photo, int(kind), float(score), [int(float(edge)) for edge in box]))


def pixels(box):
    return max(0, box[2] - box[0] + 1) * max(0, box[3] - box[1] + 1)


def overlap(a, b):
    common = pixels([max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])])
    return Fraction(common, pixels(a) + pixels(b) - common)


def voc(kind, points, threshold=Fraction(1, 2)):
    mine = [truth for truth in truths if truth[1] == kind]
    positives = sum(not truth[3] for truth in mine)
    if positives == 0:
        return None
    detected, outcomes = set(), []
    for photo, _, _, box in sorted((d for d in detections if d[1] == kind), key=lambda d: -d[2]):
        candidates = [(overlap(box, truth[2]), i) for i, truth in enumerate(mine) if truth[0] == photo]
        best, index = max(candidates, key=lambda pair: (pair[0], -pair[1]), default=(Fraction(0), -1))
        if best < threshold:
            outcomes.append(0)
        elif mine[index][3]:
            continue
        else:
            outcomes.append(int(index not in detected))
            detected.add(index)
    curve = [(Fraction(sum(outcomes[:n]), positives), Fraction(sum(outcomes[:n]), n)) for n in range(1, len(outcomes) + 1)]
    reached = lambda recall: max((p for r, p in curve if r >= recall), default=Fraction(0))
    if points:
        return sum(reached(Fraction(i, points - 1)) for i in range(points)) / points
    recalls = [Fraction(0)] + sorted({r for r, _ in curve})
    return sum((high - low) * reached(high) for low, high in zip(recalls, recalls[1:])) + Fraction(0)


def coco(crowds):
    edges = lambda box: [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    ids = {photo: index + 1 for index, photo in enumerate(photos)}
    annotations = [
        {"id": i + 1, "image_id": ids[photo], "category_id": kind + 1, "bbox": edges(box), "iscrowd": int(difficult and crowds),
         "area": edges(box)[2] * edges(box)[3]}
        for i, (photo, kind, box, difficult) in enumerate(truths)
    ]
    found = [{"image_id": ids[photo], "category_id": kind + 1, "bbox": edges(box), "score": score} for photo, kind, score, box in detections]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = pycocotools.coco.COCO()
        truth.dataset = {"images": [{"id": index} for index in ids.values()], "annotations": annotations,
                         "categories": [{"id": kind + 1, "name": name} for kind, name in enumerate(names)]}
        truth.createIndex()
        evaluation = pycocotools.cocoeval.COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    classes = [precision[:, :, kind] for kind in range(len(names))]
    mean = lambda array: None if array.max() < 0 else float(array.mean())
    return {
        "mean": float(evaluation.stats[0]),
        "mean at 0.50": float(evaluation.stats[1]),
        "mean at 0.75": float(evaluation.stats[2]),
        "classes": [mean(array) for array in classes],
    }


def summary(values):
    values = [None if value is None else float(value) for value in values]
    known = [value for value in values if value is not None]
    return {"mean": sum(known) / len(known), "classes": values}


figures = {
    "made by": "crates/data/tests/data/average_precision.py with pycocotools 2.0.11 from PyPI, on voc2012-100",
    "voc2007": summary([voc(kind, 11) for kind in range(len(names))]),
    "voc2010": summary([voc(kind, 0) for kind in range(len(names))]),
    "coco": coco(False),
    "coco with crowds": coco(True),
}
json.dump(figures, open(out, "w"), indent=1)
open(out, "a").write("\n")
