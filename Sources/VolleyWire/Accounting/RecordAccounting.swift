/// How many records ended in each class; the sum is the number of records.
public struct RecordAccounting: Sendable {
    @usableFromInline var classes: InlineArray<13, Int>
    @usableFromInline var reasons: InlineArray<18, Int>

    /// No records yet.
    @inlinable
    public init() {
        classes = InlineArray(repeating: 0)
        reasons = InlineArray(repeating: 0)
    }

    /// Counts one record in `recordClass`.
    @inlinable
    public mutating func count(_ recordClass: RecordClass, reason: MalformedReason = .none) {
        classes[recordClass.index] &+= 1
        if reason != .none { reasons[reason.index] &+= 1 }
    }

    /// Counts one record as what its frame was decoded to.
    @inlinable
    public mutating func count(_ frame: DecodedFrame) {
        count(frame.recordClass, reason: frame.reason)
    }

    /// Counts one fragment as what it came to, and those it completed as ``RecordClass/joinedFragment``.
    ///
    /// They were counted as ``RecordClass/pendingFragment`` when they came.
    public mutating func count(_ step: FragmentReassembler.Step) {
        count(step.frame)
        settle(joinedFragments: step.joinedFragments)
    }

    /// Makes records that were counted as ``RecordClass/pendingFragment`` ``RecordClass/joinedFragment``.
    mutating func settle(joinedFragments: Int) {
        classes[RecordClass.pendingFragment.index] &-= joinedFragments
        classes[RecordClass.joinedFragment.index] &+= joinedFragments
    }

    /// The number of records in a class.
    @inlinable
    public subscript(recordClass: RecordClass) -> Int { classes[recordClass.index] }

    /// The number of malformed and refused records for one reason; the sum over all reasons is that over both classes.
    @inlinable
    public subscript(reason: MalformedReason) -> Int { reasons[reason.index] }

    /// The number of records counted: the sum over all classes.
    public var total: Int {
        var sum = 0
        for index in classes.indices { sum += classes[index] }
        return sum
    }
}

extension RecordAccounting: Equatable {
    /// Whether all classes and reasons count the same.
    public static func == (left: RecordAccounting, right: RecordAccounting) -> Bool {
        RecordClass.all.allSatisfy { left[$0] == right[$0] }
            && MalformedReason.all.allSatisfy { left[$0] == right[$0] }
    }
}

extension RecordAccounting: CustomStringConvertible {
    /// The classes that are not empty: `delivered 82, notUDP 51`.
    public var description: String {
        RecordClass.all.filter { self[$0] > 0 }.map { "\($0) \(self[$0])" }.joined(separator: ", ")
    }
}
