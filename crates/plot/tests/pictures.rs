//! What is drawn, and where.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ediacara_plot::{Axis, Chart, Mark, Panels, Point, Row, Series, Span, Timeline};

fn chart(y: Axis, points: Vec<Point>) -> String {
    let series = vec![Series { name: "a & b".to_owned(), mark: Mark::Circles, colour: 0, points }];
    Chart { title: "<title>".to_owned(), x: Axis::linear("x").range(0.0, 10.0), y, series }.to_svg()
}

/// The values of an attribute of every element of one kind.
fn attributes(svg: &str, element: &str, attribute: &str) -> Vec<f64> {
    let elements = svg.lines().filter(|line| line.starts_with(&format!("<{element} ")));
    let value = |line: &str| {
        let (_, rest) = line.split_once(&format!(" {attribute}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    };
    elements.filter_map(value).collect()
}

#[test]
fn points_are_where_the_axes_say() {
    let points = [(0.0, 1.0), (5.0, 10.0), (10.0, 100.0)].map(Point::from).to_vec();
    let svg = chart(Axis::log10("y").range(1.0, 100.0), points);
    // Three points and the sample in the legend.
    let (x, y) = (attributes(&svg, "circle", "cx"), attributes(&svg, "circle", "cy"));
    assert_eq!(x.len(), 4);
    assert_eq!(x[1] - x[0], x[2] - x[1]);
    assert_eq!(y[0] - y[1], y[1] - y[2]);
    assert!(y[0] > y[2]);
}

#[test]
fn what_an_axis_cannot_show_is_left_out() {
    let points = [(1.0, 0.0), (2.0, -3.0), (3.0, f64::NAN), (4.0, 5.0)].map(Point::from).to_vec();
    assert_eq!(attributes(&chart(Axis::log10("y"), points), "circle", "cx").len(), 2);
}

#[test]
fn a_chart_without_points_is_a_chart() {
    assert!(chart(Axis::log2("y"), Vec::new()).ends_with("</svg>\n"));
    assert!(chart(Axis::linear("y"), vec![Point::from((1.0, 1.0))]).contains("a &amp; b"));
    assert!(chart(Axis::linear("y"), Vec::new()).contains("<title>&lt;title&gt;</title>"));
}

#[test]
fn names_of_points_in_one_place_do_not_cover_one_another() {
    let point = |name: &str| Point { x: 5.0, y: 5.0, name: name.to_owned() };
    let svg = chart(Axis::linear("y").range(0.0, 10.0), ["one", "two", "three", "four"].map(point).to_vec());
    let places: Vec<(String, String)> = ["one", "two", "three", "four"]
        .into_iter()
        .map(|name| {
            let line = svg.lines().find(|line| line.contains(&format!(">{name}<"))).unwrap();
            let value = |attribute: &str| {
                let (_, rest) = line.split_once(&format!(" {attribute}=\"")).unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            };
            (value("x"), value("y"))
        })
        .collect();
    for (index, place) in places.iter().enumerate() {
        assert!(!places[..index].contains(place), "{places:?}");
    }
}

#[test]
fn narrow_spans_become_their_share_of_the_time() {
    // A hundred thousand spans of half a unit with gaps of half a unit fill half of the row's 24 pixels, in
    // one rectangle.
    let spans = (0..100_000).map(|at| Span {
        start: f64::from(at),
        end: f64::from(at) + 0.5,
        kind: 0,
        name: String::new(),
    });
    let timeline = Timeline {
        title: "half".to_owned(),
        axis: "time".to_owned(),
        kinds: vec!["busy".to_owned()],
        rows: vec![Row { name: "unit".to_owned(), spans: spans.collect() }],
    };
    let svg = timeline.to_svg();
    assert!(svg.len() < 4_000, "{} bytes", svg.len());
    assert!(attributes(&svg, "rect", "height").contains(&12.0), "{svg}");
}

#[test]
fn panels_stand_side_by_side_and_have_one_legend() {
    let point = |x: f64| Series {
        name: "a".to_owned(),
        mark: Mark::Circles,
        colour: 0,
        points: vec![Point::from((x, 1.0))],
    };
    let chart = |title: &str, x: f64| Chart {
        title: title.to_owned(),
        x: Axis::linear("").range(0.0, 10.0),
        y: Axis::linear("").range(0.0, 2.0),
        series: vec![point(x)],
    };
    let charts = ["one", "two", "three"].map(|title| chart(title, 5.0)).to_vec();
    let svg = Panels { title: "all".to_owned(), columns: 2, charts }.to_svg();
    let (x, y) = (attributes(&svg, "circle", "cx"), attributes(&svg, "circle", "cy"));
    // There is a point in the middle of each panel, and one in the legend.
    assert_eq!(x.len(), 4);
    assert_eq!((x[1] - x[0], y[1] - y[0]), (430.0, 0.0));
    assert_eq!((x[2], y[2] > y[0]), (x[0], true));
    let clips: Vec<&str> = svg.lines().filter(|line| line.starts_with("<clipPath")).collect();
    assert_eq!(clips.len(), 3);
    assert!(clips[1].contains("id=\"plot1\"") && svg.contains("url(#plot2)"));
}
