"""The words of a verification's report: problems first, then what is proven and what is not."""

from archiver.cli.output import Document, Output, counted


def say_report(output: Output, report: Document) -> None:
    """Say each problem and warning, what was proven, what was left out, then the sum."""
    for kind, found in (("PROBLEM", report["problems"]), ("warning", report["warnings"])):
        for one in found:
            named = "  ".join(name for name in (one["object"], one["record"]) if name)
            output.line(f"{kind}  {named or 'archive'}: {one['what']}")
    proven = "proven" if report["ok"] else "proven, save what the problems name"
    for sentence in report["proven"]:
        output.line(f"{proven}: {sentence}")
    for left_out in report["not_checked"]:
        output.line(f"not checked: {left_out}")
    if "sample" in report:
        sample = report["sample"]
        output.line(f"sample: {sample['percent']} per cent, drawn by --seed {sample['seed']}")
    if "witnessed" in report:
        seen = report["witnessed"]
        output.line(f"witnessed to size {seen['size']:,} of {seen['of']:,}")
    checkpoint = report["checkpoint"]
    state = "Verified" if report["ok"] else "NOT as promised"
    problems = len(report["problems"]) + report["more_problems"]
    output.line(
        f"{state}: {counted(report['checked'], 'record')} and the log of "
        f"{checkpoint['size']:,} entries, root {checkpoint['root'][:8]}…{checkpoint['root'][-4:]}, "
        f"in {report['seconds']} s; {counted(problems, 'problem')}"
    )
