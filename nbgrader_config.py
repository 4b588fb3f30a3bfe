"""The course, as nbgrader sees it. One step is ours: a submission is judged, where nbgrader would execute it."""

from pathlib import Path

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "weft"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)

# nbgrader copies whatever this does not match. The first four are its defaults, the rest never leaves source/.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "*.nb.py",
    "design.md",
    "mutants.toml",
    "alternatives",
    "jupytext.toml",
    ".*_cache",
]

# source/ to release/: nbgrader's own steps, but HideTests also says how many points are judged at grading.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "weft.gradebook.release.HideTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# submitted/ to autograded/, first pass: read any file, then make its cells those that the database knows.
c.Autograde.exporter_class = "weft.gradebook.submission.SubmissionExporter"
c.Autograde.pre_convert_hook = "weft.gradebook.submission.expect_notebook"
c.Autograde.sanitize_preprocessors = [
    "weft.gradebook.submission.RepairSubmission",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# Second pass: the judge in place of nbgrader's Execute, and its points in place of what a cell printed.
c.Autograde.autograde_preprocessors = [
    "weft.gradebook.verdict.JudgeSubmission",
    "weft.gradebook.verdict.SaveJudgement",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# autograded/ to feedback/: verdicts stay, the source of hidden tests goes.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "weft.gradebook.release.HideTestsInFeedback",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
