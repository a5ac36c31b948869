; An f32, by now over its scale, as an i8: rounded to nearest even, plus the zero point, clamped; NaN as zero.
; No zero point brings a magnitude of 1000 back into the range, so that more of it says nothing.
(define-fun x () (_ FloatingPoint 8 24) (number (|float_to_n value| state)))
(define-fun most () (_ FloatingPoint 8 24) ((_ to_fp 8 24) RNE 1000.0))
(define-fun within () (_ FloatingPoint 8 24)
  (ite (fp.gt x most) most (ite (fp.lt x (fp.neg most)) (fp.neg most) x)))
(define-fun nearest () (_ BitVec 16) (ite (fp.isNaN x) #x0000 ((_ fp.to_sbv 16) RNE within)))
(define-fun placed () (_ BitVec 16) (bvadd nearest ((_ sign_extend 8) (|float_to_n zero| state))))
(define-fun low () (_ BitVec 16) ((_ sign_extend 8) (|float_to_n low| state)))
(define-fun high () (_ BitVec 16) ((_ sign_extend 8) (|float_to_n high| state)))
(define-fun clamped () (_ BitVec 16) (ite (bvslt placed low) low (ite (bvsgt placed high) high placed)))
(define-fun assumed () Bool
  (and (= (|float_to_n code| state) #b000) (is_canonical (|float_to_n value| state))))
(define-fun claimed () Bool
  (= (|float_to_n bits| state) (concat #x000000 ((_ extract 7 0) clamped))))
