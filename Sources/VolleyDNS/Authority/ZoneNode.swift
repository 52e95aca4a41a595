/// A name of a zone, also one that exists only because there is something below it (RFC 8020).
struct ZoneNode {
    struct Flags: OptionSet {
        let rawValue: UInt8

        /// There is an NS record here and this is not the apex: what is below belongs to somebody else.
        static var cut: Flags { Flags(rawValue: 1) }
        /// Below a cut or a DNAME.
        static var occluded: Flags { Flags(rawValue: 2) }
        /// The only records are NSEC3 and its signature: it denies names and is none (RFC 5155 section 7.2.8).
        static var denial: Flags { Flags(rawValue: 4) }
        /// There is a CNAME.
        static var alias: Flags { Flags(rawValue: 8) }
        /// There is a DNAME.
        static var redirection: Flags { Flags(rawValue: 16) }
    }

    /// Where its name lies.
    var nameOffset: UInt32
    var nameCount: UInt8
    var flags: Flags = []
    /// How many sets of records it has; those of signatures not counted.
    var setCount: UInt16 = 0
    var firstSet: UInt32 = 0
    /// The node one label up; that of the apex is itself.
    var parent: UInt32
    /// The node of `*` below this; 0 if there is none, since 0 is the apex.
    var wildcard: UInt32 = 0
    /// The prepared referral of a cut, or of an alias what it leads to of type A and, in the next place, of type AAAA;
    /// 0 if there is none.
    var prepared: UInt32 = 0
}

/// The records of one name and type, or signatures of one type covered.
///
/// They lie in the zone's data one after the other as they stand in an answer to a question for their name: a pointer
/// to the question for an owner, and names in the data not compressed.
struct ZoneRecordSet {
    var type: UInt16
    /// The type that signatures are of; otherwise 0.
    var covered: UInt16 = 0
    var count: UInt16
    var ttl: UInt32
    var offset: UInt32
    var byteCount: UInt32
    /// The same with names compressed; the same place where that is the same.
    var answerOffset: UInt32
    var answerByteCount: UInt32
    /// The set of signatures of this one; 0 if there is none, which the first set never is.
    var signatures: UInt32 = 0
}

/// Records of a response in wire form, whose compression pointers hold for a question that is the name they were made
/// for.
///
/// A longer question ending in that name moves the name, and with it all pointers, by the same distance.
struct ZoneFragment {
    var offset: UInt32 = 0
    var byteCount: UInt32 = 0
    /// Where the places of pointers lie, counted from the fragment's beginning.
    var pointersOffset: UInt32 = 0
    var pointerCount: UInt16 = 0
    var answerCount: UInt16 = 0
    var authorityCount: UInt16 = 0
    var additionalCount: UInt16 = 0
    /// How many octets the name it was made for has.
    var anchorCount: UInt8 = 0
}
