//! What the tests share: random quantised networks, small machines, and the check that host and simulator
//! agree.

#![allow(dead_code, missing_docs, unreachable_pub)]

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, Options, compile};
use ediacara_graph::ops::{
    Concat, Gather, Pad, PadMode, PoolKind, QAdd, QConv, QMatMul, QMultiply, QPool, QTable, Reshape, Slice,
    Transpose,
};
use ediacara_graph::{DType, Graph, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_kernels::int8::quantize_multiplier;
use ediacara_sim::{Options as SimOptions, Outcome, Simulator};

/// Seeded random numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit.max(1)
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    pub fn byte(&mut self) -> i8 {
        self.next() as i8
    }

    pub fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

/// The shape of a convolution to build.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    pub outputs: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 4],
    pub dilation: [usize; 2],
    pub groups: usize,
}

impl ConvShape {
    pub fn point(outputs: usize) -> ConvShape {
        ConvShape { outputs, kernel: [1, 1], stride: [1, 1], padding: [0; 4], dilation: [1, 1], groups: 1 }
    }

    pub fn square(outputs: usize, kernel: usize, stride: usize, padding: usize) -> ConvShape {
        let point = ConvShape::point(outputs);
        ConvShape { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 4], ..point }
    }
}

/// A quantised network with random constants.
pub struct Net {
    pub graph: Graph,
    pub random: Random,
    count: usize,
}

impl Net {
    pub fn new(seed: u64) -> Net {
        Net { graph: Graph::new("test"), random: Random(seed), count: 0 }
    }

    pub fn input(&mut self, shape: &[usize]) -> ValueId {
        self.graph.add_input("input", TensorType::i8(shape))
    }

    pub fn shape(&self, value: ValueId) -> Vec<usize> {
        self.graph.ty(value).shape.clone()
    }

    fn name(&mut self, op: &str) -> String {
        self.count += 1;
        format!("{op}{}", self.count)
    }

    fn constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.graph.add_constant(name, tensor)
    }

    fn clamp(&mut self) -> (i8, i8) {
        if self.random.chance(70) {
            (-128, 127)
        } else {
            (self.random.below(60) as i8 - 90, 90 + self.random.below(30) as i8)
        }
    }

    fn records(&mut self, name: &str, outputs: usize, terms: usize) -> [ValueId; 3] {
        let scale = 50.0 / (terms as f64).sqrt() / 5000.0;
        let mut multipliers = Vec::new();
        let mut shifts = Vec::new();
        let mut biases = Vec::new();
        for _ in 0..outputs {
            let found = quantize_multiplier(scale * (0.5 + self.random.below(1000) as f64 / 1000.0)).unwrap();
            multipliers.push(found.value);
            shifts.push(found.shift);
            biases.push(self.random.below(4001) as i32 - 2000);
        }
        let bias = self.constant(&format!("{name}.b"), Tensor::from_vec(&[outputs], biases).unwrap());
        let multiplier =
            self.constant(&format!("{name}.m"), Tensor::from_vec(&[outputs], multipliers).unwrap());
        let shift = self.constant(&format!("{name}.s"), Tensor::from_vec(&[outputs], shifts).unwrap());
        [bias, multiplier, shift]
    }

    pub fn conv(&mut self, x: ValueId, shape: ConvShape) -> ValueId {
        let channels = self.shape(x)[3];
        let name = self.name("conv");
        let dimensions = [shape.outputs, shape.kernel[0], shape.kernel[1], channels / shape.groups];
        let elements = dimensions.iter().product();
        let values = self.random.bytes(elements);
        let w = self.constant(&format!("{name}.w"), Tensor::from_vec(&dimensions, values).unwrap());
        let [bias, multiplier, shift] = self.records(&name, shape.outputs, elements / shape.outputs);
        let (low, high) = self.clamp();
        let op = QConv {
            stride: shape.stride,
            padding: shape.padding,
            dilation: shape.dilation,
            groups: shape.groups,
            x_zero: self.random.byte(),
            w_zero: if self.random.chance(50) { 0 } else { self.random.byte() },
            y_zero: self.random.byte() / 2,
            low,
            high,
        };
        self.graph.add(name, op, &[x, w, bias, multiplier, shift]).unwrap()
    }

    pub fn matmul(&mut self, x: ValueId, outputs: usize) -> ValueId {
        let terms = self.shape(x)[1];
        let name = self.name("matmul");
        let values = self.random.bytes(outputs * terms);
        let w = self.constant(&format!("{name}.w"), Tensor::from_vec(&[outputs, terms], values).unwrap());
        let [bias, multiplier, shift] = self.records(&name, outputs, terms);
        let (low, high) = self.clamp();
        let (x_zero, y_zero) = (self.random.byte(), self.random.byte() / 2);
        let op = QMatMul { x_zero, w_zero: 0, y_zero, low, high };
        self.graph.add(name, op, &[x, w, bias, multiplier, shift]).unwrap()
    }

    pub fn pool(
        &mut self,
        x: ValueId,
        kind: PoolKind,
        window: [[usize; 2]; 2],
        padding: [usize; 4],
        ceil: bool,
        count_include_pad: bool,
    ) -> ValueId {
        let shape = self.shape(x);
        let [kernel, stride] = window;
        let output = [0, 1].map(|axis| {
            let room = shape[1 + axis] + padding[axis] + padding[axis + 2] - kernel[axis];
            let mut size = if ceil { room.div_ceil(stride[axis]) } else { room / stride[axis] } + 1;
            // As in ONNX: the last window starts inside the input or the padding before it.
            if (size - 1) * stride[axis] >= shape[1 + axis] + padding[axis] {
                size -= 1;
            }
            size
        });
        let name = self.name("pool");
        let (low, high) = self.clamp();
        let op = QPool {
            kind,
            kernel,
            stride,
            padding,
            output,
            x_zero: self.random.byte(),
            y_zero: self.random.byte() / 2,
            ratio: 0.3 + self.random.below(100) as f64 / 70.0,
            count_include_pad,
            low,
            high,
        };
        self.graph.add(name, op, &[x]).unwrap()
    }

    pub fn global_average(&mut self, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        self.pool(x, PoolKind::Average, [[shape[1], shape[2]], [1, 1]], [0; 4], false, false)
    }

    pub fn add(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let name = self.name("add");
        let found = quantize_multiplier(0.6).unwrap();
        let (low, high) = self.clamp();
        let op = QAdd {
            x_zero: self.random.byte(),
            y_zero: self.random.byte(),
            x_multiplier: found.value,
            y_multiplier: (f64::from(found.value) * 0.7) as i32,
            shift: found.shift,
            out_zero: self.random.byte() / 2,
            low,
            high,
        };
        self.graph.add(name, op, &[x, y]).unwrap()
    }

    pub fn multiply(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let name = self.name("multiply");
        let found = quantize_multiplier(0.011).unwrap();
        let (low, high) = self.clamp();
        let op = QMultiply {
            x_zero: self.random.byte(),
            y_zero: self.random.byte(),
            multiplier: found.value,
            shift: found.shift,
            out_zero: self.random.byte() / 2,
            low,
            high,
        };
        self.graph.add(name, op, &[x, y]).unwrap()
    }

    pub fn table(&mut self, x: ValueId) -> ValueId {
        let name = self.name("table");
        let values = self.random.bytes(256);
        let table = self.constant(&format!("{name}.t"), Tensor::from_vec(&[256], values).unwrap());
        self.graph.add(name, QTable, &[x, table]).unwrap()
    }

    pub fn concat(&mut self, list: &[ValueId], axis: usize) -> ValueId {
        let name = self.name("concat");
        self.graph.add(name, Concat { axis }, list).unwrap()
    }

    pub fn slice(&mut self, x: ValueId, starts: &[i64], ends: &[i64], steps: &[i64]) -> ValueId {
        let name = self.name("slice");
        let op = Slice { starts: starts.to_vec(), ends: ends.to_vec(), steps: steps.to_vec() };
        self.graph.add(name, op, &[x]).unwrap()
    }

    pub fn pad(&mut self, x: ValueId, before: &[usize], after: &[usize], mode: PadMode) -> ValueId {
        let name = self.name("pad");
        let value = f64::from(self.random.byte());
        let op = Pad { before: before.to_vec(), after: after.to_vec(), mode, value };
        self.graph.add(name, op, &[x]).unwrap()
    }

    pub fn gather(&mut self, x: ValueId, axis: usize, indices: Tensor) -> ValueId {
        let name = self.name("gather");
        let indices = self.constant(&format!("{name}.i"), indices);
        self.graph.add(name, Gather { axis }, &[x, indices]).unwrap()
    }

    pub fn reshape(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        let name = self.name("reshape");
        self.graph.add(name, Reshape { shape: shape.to_vec() }, &[x]).unwrap()
    }

    pub fn transpose(&mut self, x: ValueId, permutation: &[usize]) -> ValueId {
        let name = self.name("transpose");
        self.graph.add(name, Transpose { permutation: permutation.to_vec() }, &[x]).unwrap()
    }
}

/// A machine with almost no memory, so that everything is cut.
pub fn tiny() -> Machine {
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = "tiny".to_owned();
    machine.core.nram_bytes = 2048;
    machine.core.wram_bytes = 1024;
    machine.core.aram_bytes = 512;
    machine.core.pram_bytes = 12 * 16;
    machine.core.queue_entries = 4;
    machine.validate().unwrap();
    machine
}

/// Every machine that small cases run on.
pub fn machines() -> Vec<Machine> {
    let mut all: Vec<Machine> = ["dlp4", "dlp8", "dlp16", "dlp32", "gemmini16"]
        .iter()
        .map(|name| Machine::preset(name).unwrap())
        .collect();
    all.push(tiny());
    all
}

/// Compiles, runs host and simulator on random bytes, and compares every output of the network.
pub fn check_on(
    graph: &Graph,
    machine: &Machine,
    options: &Options,
    seed: u64,
    checked: bool,
) -> (Compiled, Outcome) {
    let compiled =
        compile(graph, machine, options).unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    let mut random = Random(seed);
    let inputs: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|&input| {
            let ty = graph.ty(input);
            assert_eq!(ty.dtype, DType::I8);
            Tensor::from_vec(&ty.shape, random.bytes(ty.elements())).unwrap()
        })
        .collect();
    let expected = Executor::new(graph, &HostOptions::default()).unwrap().run(&inputs).unwrap();

    let sim_options = SimOptions { checked, max_cycles: Some(2_000_000_000), ..SimOptions::default() };
    let mut simulator = Simulator::new(machine, &compiled.executable, sim_options).unwrap();
    for (port, (network_input, _)) in compiled.executable.inputs.iter().zip(&compiled.dlp_inputs) {
        let index = graph.inputs().iter().position(|input| input == network_input).unwrap();
        simulator.write_input(&port.name, inputs[index].as_bytes().unwrap()).unwrap();
    }
    let outcome = simulator.run();
    if let Some(fault) = &outcome.fault {
        let listing = ["place", "build", "synchronise"].map(str::to_owned).to_vec();
        let listing = Options { print_after: listing, ..options.clone() };
        let all = compile(graph, machine, &listing).unwrap().listings;
        let text: String = all.into_iter().map(|listing| listing.text).collect();
        panic!("{}: {fault}\n{}", machine.name, text.lines().take(200).collect::<Vec<_>>().join("\n"));
    }
    let mut host_inputs: Vec<Tensor> = Vec::new();
    for (value, port) in &compiled.dlp_outputs {
        let bytes = simulator.read_output(port).unwrap();
        let shape = &compiled.host.ty(*value).shape;
        host_inputs
            .push(Tensor::from_vec(shape, bytes.into_iter().map(|byte| byte as i8).collect()).unwrap());
    }
    for input in &compiled.host_inputs {
        let index = graph.inputs().iter().position(|candidate| candidate == input).unwrap();
        host_inputs.push(inputs[index].clone());
    }
    let found = Executor::new(&compiled.host, &HostOptions::default()).unwrap().run(&host_inputs).unwrap();
    assert_eq!(expected.len(), found.len());
    for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
        let (want, got) = (expected.to_vec::<i8>().unwrap(), found.to_vec::<i8>().unwrap());
        if let Some(at) = (0..want.len()).find(|&at| want[at] != got[at]) {
            let wrong = (0..want.len()).filter(|&at| want[at] != got[at]).count();
            panic!(
                "{}: output {index} of shape {:?} differs at element {at}: host {}, simulator {}; {wrong} of {} differ\n{}",
                machine.name,
                expected.shape(),
                want[at],
                got[at],
                want.len(),
                graph.to_text()
            );
        }
    }
    (compiled, outcome)
}

/// [`check_on`] every machine, in checked mode; the network's outputs are `outputs`.
pub fn check(net: &mut Net, outputs: &[ValueId]) {
    net.graph.set_outputs(outputs.to_vec());
    for machine in machines() {
        let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 7, true);
        assert!(compiled.host_ops.is_empty(), "{:?}", compiled.host_ops);
    }
}
