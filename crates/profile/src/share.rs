//! How much of a network the DLP ran, and why it did not run the rest.

use std::collections::HashMap;
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::number::thousands;

/// How much of a network the DLP ran.
///
/// Nodes are those of the network as imported and optimised, before quantisation added its own. They compute
/// or move something. Reshapes, marks of quantisation, and what constants alone decide do not count.
/// Multiply-accumulates are the nodes' own, as `Summary` counts them. A node ran on the DLP if all that was
/// made of it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Multiply-accumulates of the nodes that ran on the DLP.
    pub dlp_macs: u64,
    /// Multiply-accumulates of all nodes.
    pub macs: u64,
    /// Nodes that ran on the DLP.
    pub dlp_nodes: u64,
    /// All nodes.
    pub nodes: u64,
}

impl Share {
    /// Counts a node.
    pub fn add(&mut self, macs: u64, on_dlp: bool) {
        self.macs += macs;
        self.nodes += 1;
        if on_dlp {
            self.dlp_macs += macs;
            self.dlp_nodes += 1;
        }
    }

    /// Whether the DLP does nothing that matters: no node, or no multiply-accumulate although the network has
    /// some.
    pub fn is_host_only(&self) -> bool {
        self.dlp_nodes == 0 || self.macs > 0 && self.dlp_macs == 0
    }

    /// Whether the DLP does all of it.
    pub fn is_whole(&self) -> bool {
        self.dlp_nodes == self.nodes
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Share", 6)?;
        object.serialize_field("macs_share", &ratio(self.dlp_macs, self.macs))?;
        object.serialize_field("nodes_share", &ratio(self.dlp_nodes, self.nodes))?;
        object.serialize_field("dlp_macs", &self.dlp_macs)?;
        object.serialize_field("macs", &self.macs)?;
        object.serialize_field("dlp_nodes", &self.dlp_nodes)?;
        object.serialize_field("nodes", &self.nodes)?;
        object.end()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ratio(self.dlp_macs, self.macs) {
            // The share is rounded down, so that 100 % means everything.
            Some(share) => {
                let percent = (share * 1000.0).floor() / 10.0;
                write!(f, "{percent:.1} % of {} multiply-adds, ", thousands(self.macs))?;
            }
            None => f.write_str("the network has no multiply-adds; ")?,
        }
        write!(f, "{} of {} nodes", thousands(self.dlp_nodes), thousands(self.nodes))
    }
}

/// Where a network's nodes ran, in short.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Placement {
    /// The share of the multiply-accumulates that ran on the DLP, 0 to 1; null for a network without any.
    pub macs_share: Option<f64>,
    /// Nodes on the DLP.
    pub nodes_dlp: u64,
    /// Nodes on the host.
    pub nodes_host: u64,
}

impl Placement {
    /// A share in short.
    pub fn of(share: Share) -> Placement {
        let Share { dlp_macs, macs, dlp_nodes, nodes } = share;
        Placement { macs_share: ratio(dlp_macs, macs), nodes_dlp: dlp_nodes, nodes_host: nodes - dlp_nodes }
    }
}

/// An operation that ran on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostOpReport {
    /// The node's name.
    pub name: String,
    /// The operator.
    pub op: String,
    /// Why it did not run on the DLP.
    pub reason: String,
    /// The node that keeps it on the host: itself, or the first before it that had to be there.
    pub cause: String,
}

/// The operations on the host, one line a cause, in the order of the first node that each cause keeps there.
pub fn host_lines(ops: &[HostOpReport]) -> Vec<String> {
    let mut by_name: HashMap<&str, &HostOpReport> = HashMap::new();
    for op in ops {
        by_name.entry(&op.name).or_insert(op);
    }
    let mut groups: Vec<(&str, Vec<&HostOpReport>)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for op in ops {
        let reason = by_name.get(op.cause.as_str()).map_or(&op.reason, |cause| &cause.reason);
        let group = *known.entry(reason).or_insert(groups.len());
        match groups.get_mut(group) {
            Some((_, members)) => members.push(op),
            None => groups.push((reason, vec![op])),
        }
    }
    let line = |(reason, members): &(&str, Vec<&HostOpReport>)| {
        let Some((first, others)) = members.split_first() else { return String::new() };
        let text = format!("{} {}: {reason}", first.op, first.name);
        if others.is_empty() { text } else { format!("{text}; and for its sake {}", counted(others)) }
    };
    groups.iter().map(line).collect()
}

/// Operations by operator, most first: `12 matmul, 3 add`.
fn counted(ops: &[&HostOpReport]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for op in ops {
        match counts.iter_mut().find(|(name, _)| *name == op.op) {
            Some((_, count)) => *count += 1,
            None => counts.push((&op.op, 1)),
        }
    }
    counts.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_multiply_adds_and_of_nodes() {
        let mut share = Share::default();
        share.add(1_999, true);
        share.add(1, false);
        share.add(0, true);
        assert_eq!(share.to_string(), "99.9 % of 2,000 multiply-adds, 2 of 3 nodes");
        assert!(!share.is_host_only() && !share.is_whole());
        let json = serde_json::to_value(share).unwrap_or_default();
        assert_eq!((&json["macs_share"], &json["dlp_nodes"]), (&0.9995.into(), &2.into()));
    }

    #[test]
    fn none_of_the_multiply_adds_or_no_node_is_the_host_only() {
        let share = |dlp_macs, macs, dlp_nodes, nodes| Share { dlp_macs, macs, dlp_nodes, nodes };
        assert!(share(0, 5, 3, 4).is_host_only());
        assert!(share(0, 0, 0, 1).is_host_only());
        assert!(Share::default().is_host_only());
        assert!(!share(0, 0, 1, 9).is_host_only());
        assert!(!share(1, 5, 1, 9).is_host_only());
        assert_eq!(share(0, 0, 1, 9).to_string(), "the network has no multiply-adds; 1 of 9 nodes");
    }

    #[test]
    fn nodes_of_one_cause_are_one_line() {
        let op = |name: &str, op: &str, reason: &str, cause: &str| HostOpReport {
            name: name.to_owned(),
            op: op.to_owned(),
            reason: reason.to_owned(),
            cause: cause.to_owned(),
        };
        let ops = [
            op("a", "softmax", "softmax has no int8 form", "a"),
            op("b", "matmul", "its operand `a` comes from a softmax on the host", "a"),
            op("c", "softmax", "softmax has no int8 form", "c"),
            op("d", "matmul", "its operand `c` comes from a softmax on the host", "c"),
            op("e", "topk", "topk has no int8 form", "e"),
        ];
        let lines = host_lines(&ops);
        assert_eq!(lines[0], "softmax a: softmax has no int8 form; and for its sake 2 matmul, 1 softmax");
        assert_eq!(lines[1..], ["topk e: topk has no int8 form"]);
    }
}
