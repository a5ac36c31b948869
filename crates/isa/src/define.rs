//! The macros that read the instruction table, `table.rs`.

macro_rules! field_spec {
    ($doc:expr, $field:ident, $kind:expr, $lsb:literal, $end:literal $(, $default:literal)?) => {{
        #[allow(unused_mut, unused_assignments)]
        const DEFAULT: Option<u64> = {
            let mut default = None;
            $( default = Some($default); )?
            default
        };
        const SPEC: FieldSpec = FieldSpec {
            name: stringify!($field), kind: $kind, lsb: $lsb, width: $end - $lsb, default: DEFAULT, doc: $doc,
        };
        &SPEC
    }};
}

macro_rules! table {
    (
        plain { $(
            $(#[doc = $pdoc:literal])+
            $popcode:literal $pmnemonic:literal $Plain:ident, $pengine:ident, post $ppost:literal;
        )* }
        operands { $( $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $engine:ident {
            $(
                $(#[doc = $fdoc:literal])+
                $field:ident: $ty:ty = $kind:expr, $lsb:literal .. $end:literal $(, default $default:literal)?;
            )*
        } )* }
    ) => {
        /// What an instruction does, with its operands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $( $(#[doc = $pdoc])+ $Plain, )*
            $( $(#[doc = $doc])+ $Name($Name), )*
        }

        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            pub struct $Name { $( $(#[doc = $fdoc])+ pub $field: $ty, )* }
        )*

        /// The table, by opcode.
        pub const INSTRUCTIONS: &[InstructionSpec] = &by_opcode([
            $( InstructionSpec {
                opcode: $popcode, mnemonic: $pmnemonic, engine: Engine::$pengine, may_wait: false, may_post: $ppost,
                fields: &[], doc: concat!($($pdoc),+),
            }, )*
            $( InstructionSpec {
                opcode: $opcode, mnemonic: $mnemonic, engine: Engine::$engine,
                may_wait: is_queued(Engine::$engine), may_post: is_queued(Engine::$engine),
                fields: const { &[ $( *field_spec!(concat!($($fdoc),+), $field, $kind, $lsb, $end $(, $default)?), )* ] },
                doc: concat!($($doc),+),
            }, )*
        ]);

        impl Operation {
            /// Bits 7:0 of the word.
            pub fn opcode(&self) -> u8 {
                match self {
                    $( Operation::$Plain => $popcode, )*
                    $( Operation::$Name(_) => $opcode, )*
                }
            }

            /// Puts the operands into a word that is otherwise clear.
            ///
            /// The error is that of the first operand that does not fit.
            pub(crate) fn insert(&self, word: &mut Word) -> Result<(), OperandError> {
                let mut result = Ok(());
                match self {
                    $( Operation::$Plain => {} )*
                    $( Operation::$Name(operands) => { $(
                        let field = field_spec!("", $field, $kind, $lsb, $end);
                        let inserted = operands.$field.insert(word, field);
                        result = result.and(inserted.map_err(|e| OperandError { mnemonic: $mnemonic, ..e }));
                    )* } )*
                }
                result
            }

            /// Reads opcode and operands.
            pub(crate) fn extract(word: &Word) -> Result<Operation, DecodeError> {
                match word[0] {
                    $( $popcode => Ok(Operation::$Plain), )*
                    $( $opcode => Ok(Operation::$Name($Name { $(
                        $field: {
                            let field = field_spec!("", $field, $kind, $lsb, $end);
                            <$ty as Field>::extract(word, field).map_err(|message| {
                                OperandError { mnemonic: $mnemonic, field: stringify!($field), message }
                            })?
                        },
                    )* })), )*
                    opcode => Err(DecodeError::Opcode(opcode)),
                }
            }
        }

        $(
            impl From<$Name> for Operation {
                fn from(operands: $Name) -> Operation {
                    Operation::$Name(operands)
                }
            }
        )*
    };
}

/// Whether a row has the mark `in_place`, or whether it has `keeps`.
macro_rules! is_in_place {
    (in_place) => {
        true
    };
    ($($other:ident)?) => {
        false
    };
}

macro_rules! keeps {
    (keeps) => {
        true
    };
    ($($other:ident)?) => {
        false
    };
}

macro_rules! vector_operations {
    ($(
        $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)? [$($constant:ident),*] {
            $(
                $(#[doc = $fdoc:literal])+
                $field:ident: $ty:ty = $kind:expr, $lsb:literal .. $end:literal $(, default $default:literal)?;
            )*
        }
    )*) => {
        /// An instruction of the vector engine, without its operands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum VectorOperation { $( #[doc = concat!("`", $mnemonic, "`")] $Name, )* }

        impl VectorOperation {
            /// All, by opcode.
            pub const ALL: &'static [VectorOperation] = &[ $( VectorOperation::$Name, )* ];

            /// The mnemonic.
            pub fn name(self) -> &'static str {
                match self { $( VectorOperation::$Name => $mnemonic, )* }
            }

            /// The instruction with this opcode, if one of the vector engine has it.
            pub fn by_opcode(opcode: u8) -> Option<VectorOperation> {
                match opcode {
                    $( $opcode => Some(VectorOperation::$Name), )*
                    _ => None,
                }
            }

            /// What it reads, writes and promises.
            pub fn rule(self) -> &'static VectorRule {
                match self { $( VectorOperation::$Name => {
                    const RULE: VectorRule = VectorRule::new(
                        &[ $( (stringify!($field), $kind), )* ],
                        VectorShape::$shape,
                        is_in_place!($($in_place)?),
                        keeps!($($in_place)?),
                        &[ $( ConfigRegister::$constant, )* ],
                    );
                    &RULE
                } )* }
            }

            /// The instruction with the operands that it has.
            pub fn with(self, operands: &VectorOperands) -> Operation {
                match self {
                    $( VectorOperation::$Name => $Name { $( $field: operands.$field, )* }.into(), )*
                }
            }
        }

        impl Operation {
            /// Which instruction of the vector engine it is, with its operands; nothing for those of other engines.
            #[allow(clippy::needless_update, reason = "one instruction has every operand")]
            pub fn vector(&self) -> Option<(VectorOperation, VectorOperands)> {
                match self {
                    $( Operation::$Name($Name { $( $field, )* }) => Some((
                        VectorOperation::$Name,
                        VectorOperands { $( $field: *$field, )* ..VectorOperands::default() },
                    )), )*
                    _ => None,
                }
            }
        }
    };
}

macro_rules! instructions {
    (
        plain { $($plain:tt)* }
        operands { $($operands:tt)* }
        vector { $(
            $(#[doc = $doc:literal])+
            $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)? [$($constant:ident),*] {
                $($fields:tt)*
            }
        )* }
    ) => {
        table! {
            plain { $($plain)* }
            operands {
                $($operands)*
                $( $(#[doc = $doc])+ $opcode $mnemonic $Name, Vector { $($fields)* } )*
            }
        }
        vector_operations! {
            $( $opcode $mnemonic $Name, $shape $($in_place)? [$($constant),*] { $($fields)* } )*
        }
    };
}

/// Gives each row of `float` the operands of its set, and hands all to `instructions`.
macro_rules! with_floats {
    (
        plain { $($plain:tt)* }
        operands { $($operands:tt)* }
        vector { $($vector:tt)* }
        float { $($float:tt)* }
    ) => {
        with_floats! { @row [plain { $($plain)* } operands { $($operands)* }] [$($vector)*] $($float)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, fill;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorConstant, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, unary;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// 0 NRAM, 3 ARAM; written around `a`
            memory: Memory = NRAM_OR_ARAM, 240..242, default 0;
            /// first source, in accumulators where it lies in ARAM
            a: Address = Kind::Selected, 80..108;
            /// a in ARAM: element j is read with record `p + j` instead of `vector.a_scale`
            records: bool = Kind::Flag, 244..245, default 0;
            /// first record, where records are read
            p: Address = PRAM, 144..164, default 0;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, pair;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorBType, VectorBZero, VectorBScale, VectorConstant, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// 0 NRAM, 3 ARAM; written around `a`
            memory: Memory = NRAM_OR_ARAM, 240..242, default 0;
            /// first source, in accumulators where it lies in ARAM
            a: Address = Kind::Selected, 80..108;
            /// a in ARAM: element j is read with record `p + j` instead of `vector.a_scale`
            records: bool = Kind::Flag, 244..245, default 0;
            /// first record, where records are read
            p: Address = PRAM, 144..164, default 0;
            /// second source
            b: Address = NRAM, 112..140, default 0;
            /// b is one element a row: the first
            scalar: bool = Kind::Flag, 242..243, default 0;
            /// b is the register `vector.constant`, and no operand
            constant: bool = Kind::Flag, 243..244, default 0;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, compare;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorBType, VectorBZero, VectorBScale, VectorConstant, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// 0 NRAM, 3 ARAM; written around `a`
            memory: Memory = NRAM_OR_ARAM, 240..242, default 0;
            /// first source, in accumulators where it lies in ARAM
            a: Address = Kind::Selected, 80..108;
            /// a in ARAM: element j is read with record `p + j` instead of `vector.a_scale`
            records: bool = Kind::Flag, 244..245, default 0;
            /// first record, where records are read
            p: Address = PRAM, 144..164, default 0;
            /// second source
            b: Address = NRAM, 112..140, default 0;
            /// b is one element a row: the first
            scalar: bool = Kind::Flag, 242..243, default 0;
            /// b is the register `vector.constant`, and no operand
            constant: bool = Kind::Flag, 243..244, default 0;
            /// `equal`, `not_equal`, `less`, `less_equal`, `greater`, `greater_equal`
            relation: Relation = Kind::Word(Relation::WORDS), 248..251;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, scale;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// 0 NRAM, 3 ARAM; written around `a`
            memory: Memory = NRAM_OR_ARAM, 240..242, default 0;
            /// first source, in accumulators where it lies in ARAM
            a: Address = Kind::Selected, 80..108;
            /// first record
            p: Address = PRAM, 144..164;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, window;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, window_sum;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// begins with what d holds
            accumulate: bool = Kind::Flag, 245..246, default 0;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]
        $(#[doc = $doc:literal])+ $opcode:literal $mnemonic:literal $Name:ident, $shape:ident $($in_place:ident)?, window_dot;
        $($rest:tt)*
    ) => {
        with_floats! { @row [$($table)*] [$($done)*
            $(#[doc = $doc])+ $opcode $mnemonic $Name, $shape $($in_place)?
            [VectorAType, VectorAZero, VectorAScale, VectorBType, VectorBZero, VectorBScale, VectorDType, VectorDInverseScale, VectorDZero, VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// weights
            b: Address = NRAM, 112..140;
            /// b has rows of its own: `b_stride`s apply
            moves: bool = Kind::Flag, 246..247, default 0;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
            }
        ] $($rest)* }
    };
    (@row [$($table:tt)*] [$($done:tt)*]) => {
        instructions! { $($table)* vector { $($done)* } }
    };
}
