//! Plots as inline SVG, drawn here: no script and no library, so that a report is one file that
//! still opens in ten years. Colours are CSS classes: the page's light and dark themes apply.

use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;

/// A course over time.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// `c1` … `c4`: the page's colours.
    pub(super) class: &'a str,
    pub(super) values: Vec<f64>,
    pub(super) filled: bool,
}

/// A level that must not be passed, or is to be reached.
pub(super) struct Level<'a> {
    pub(super) name: &'a str,
    pub(super) value: f64,
}

/// Maps values into the picture.
struct Axes {
    most_x: f64,
    most_y: f64,
}

impl Axes {
    fn x(&self, value: f64) -> f64 {
        LEFT + value / self.most_x * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.most_y * (HEIGHT - TOP - BOTTOM)
    }

    fn open(&self, label: &str, unit_x: &str, unit_y: &str) -> String {
        let mut svg =
            format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">"#);
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in ticks(self.most_y) {
            let (y, text) = (self.y(tick), short(tick));
            let _ = write!(
                svg,
                r#"<path class="grid" d="M{LEFT} {y:.1}H{right}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{text}{unit_y}</text>"#,
                LEFT - 7.0,
                y + 3.5,
            );
        }
        for tick in ticks(self.most_x) {
            let (x, text) = (self.x(tick), short(tick));
            let _ = write!(
                svg,
                r#"<path class="axis" d="M{x:.1} {bottom}v4"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{text}{unit_x}</text>"#,
                bottom + 17.0,
            );
        }
        let _ = write!(svg, r#"<path class="axis" d="M{LEFT} {bottom}H{right}"/>"#);
        svg
    }
}

/// Courses over time, `step_s` apart, with levels as dashed lines.
pub(super) fn courses(
    label: &str,
    step_s: u64,
    lines: &[Line<'_>],
    levels: &[Level<'_>],
) -> String {
    let longest = lines
        .iter()
        .map(|line| line.values.len())
        .max()
        .unwrap_or(0);
    let values = lines.iter().flat_map(|line| line.values.iter().copied());
    let most = values
        .chain(levels.iter().map(|level| level.value))
        .fold(0.0, f64::max);
    let axes = Axes {
        most_x: (longest.saturating_sub(1) as f64 * step_s as f64).max(1.0),
        most_y: round_up(most * 1.04),
    };
    let mut svg = axes.open(label, "s", "");
    for line in lines {
        let mut path = String::new();
        for (at, value) in line.values.iter().enumerate() {
            let pen = if at == 0 { 'M' } else { 'L' };
            let x = axes.x(at as f64 * step_s as f64);
            let _ = write!(path, "{pen}{x:.1} {:.1}", axes.y(*value));
        }
        let class = line.class;
        if line.filled && !path.is_empty() {
            let end = axes.x((line.values.len() - 1) as f64 * step_s as f64);
            let floor = HEIGHT - BOTTOM;
            let _ = write!(
                svg,
                r#"<path class="area {class}" d="{path}L{end:.1} {floor}L{LEFT} {floor}Z"/>"#
            );
        }
        let _ = write!(
            svg,
            r#"<path class="line {class}" d="{path}"><title>{}</title></path>"#,
            line.name
        );
    }
    for level in levels {
        let (y, right, name) = (axes.y(level.value), WIDTH - RIGHT, level.name);
        let _ = write!(
            svg,
            r#"<path class="level" d="M{LEFT} {y:.1}H{right}"/><text class="tick" x="{right}" y="{:.1}" text-anchor="end">{name} {}</text>"#,
            y - 4.0,
            short(level.value),
        );
    }
    svg + "</svg>"
}

/// Points against the diagonal: on it, what was told is what happened.
pub(super) fn scatter(label: &str, points: &[(f64, f64)]) -> String {
    let most = points
        .iter()
        .flat_map(|(x, y)| [*x, *y])
        .fold(1.0, f64::max);
    let axes = Axes {
        most_x: round_up(most),
        most_y: round_up(most),
    };
    let mut svg = axes.open(label, "s", "s");
    let _ = write!(
        svg,
        r#"<path class="level" d="M{:.1} {:.1}L{:.1} {:.1}"/>"#,
        axes.x(0.0),
        axes.y(0.0),
        axes.x(axes.most_x),
        axes.y(axes.most_y)
    );
    for (x, y) in points {
        let _ = write!(
            svg,
            r#"<circle class="dot c1" cx="{:.1}" cy="{:.1}" r="2.2"/>"#,
            axes.x(*x),
            axes.y(*y)
        );
    }
    svg + "</svg>"
}

/// About four round numbers up to `most`, zero included.
fn ticks(most: f64) -> Vec<f64> {
    let step = step(most);
    let count = (most * 1.0001 / step) as u32;
    (0..=count).map(|n| f64::from(n) * step).collect()
}

/// 1, 2 or 5 times a power of ten, so that four or five of them make `most`.
fn step(most: f64) -> f64 {
    let rough = (most / 4.0).max(1e-9);
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

fn round_up(most: f64) -> f64 {
    let most = most.max(1.0);
    let step = step(most);
    (most / step).ceil() * step
}

/// 950, 1.2k, 20k.
fn short(value: f64) -> String {
    let trimmed = |number: f64| {
        let text = format!("{number:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    match value {
        value if value >= 1e6 => trimmed(value / 1e6) + "M",
        value if value >= 1e3 => trimmed(value / 1e3) + "k",
        value => trimmed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(ticks(20_000.0), [0.0, 5000.0, 10_000.0, 15_000.0, 20_000.0]);
        assert_eq!(ticks(1.0), [0.0, 0.5, 1.0]);
        for most in [1.0, 3.0, 7.0, 99.0, 200.0, 20_800.0, 1e7] {
            let count = ticks(round_up(most)).len();
            assert!((3..=7).contains(&count), "{most}: {count}");
        }
    }

    #[test]
    fn numbers_on_axes_are_short() {
        assert_eq!(
            ["0", "0.5", "950", "1.2k", "20k", "3M"],
            [
                short(0.0),
                short(0.5),
                short(950.0),
                short(1200.0),
                short(20_000.0),
                short(3e6)
            ]
            .each_ref()
            .map(String::as_str)
        );
    }

    #[test]
    fn a_picture_of_nothing_is_still_a_picture() {
        let line = Line {
            name: "x",
            class: "c1",
            values: Vec::new(),
            filled: true,
        };
        let svg = courses("none", 1, &[line], &[]);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"));
        assert!(!scatter("none", &[]).contains("NaN"));
    }
}
