internal import Glibc
internal import SystemPackage

/// Names of capture files as a user gives them.
public enum CapturePaths {
    /// The files that names and patterns stand for, in the order given; those of one pattern in alphabetical order.
    ///
    /// A name with `*`, `?` or `[` is a pattern (glob(7)) unless there is a file of that very name; all else is passed on
    /// as it is, so that whoever opens it can say what is wrong.
    ///
    /// - Parameter names: paths and patterns.
    /// - Returns: paths, as many as there are `names` at least.
    /// - Throws: ``CaptureError`` with the code ``CaptureError/Code/cannotOpen`` for a pattern that no file matches.
    public static func expand(_ names: [String]) throws(CaptureError) -> [String] {
        var paths: [String] = []
        for name in names {
            guard name.contains(where: { "*?[".contains($0) }), unsafe access(name, F_OK) != 0 else {
                paths.append(name)
                continue
            }
            let matches = matches(of: name)
            guard !matches.isEmpty else {
                throw CaptureError(.cannotOpen, file: name, errno: .noSuchFileOrDirectory, "no file matches")
            }
            paths += matches
        }
        return paths
    }

    private static func matches(of pattern: String) -> [String] {
        var result = unsafe glob_t()
        // SAFETY: glob(3) fills the structure, which is freed once in any case; its strings are copied before.
        defer { unsafe globfree(&result) }
        guard unsafe glob(pattern, 0, nil, &result) == 0, let list = unsafe result.gl_pathv else { return [] }
        return unsafe (0..<Int(result.gl_pathc)).compactMap { index in
            unsafe list[index].map { unsafe String(cString: $0) }
        }
    }
}
