; Maximum and minimum of two numbers: NaN if either is, and -0 below +0.
(define-fun a () (_ FloatingPoint 8 24) (number (|float_compare_n a| state)))
(define-fun b () (_ FloatingPoint 8 24) (number (|float_compare_n b| state)))
(define-fun a_is_below () Bool (or (fp.lt a b) (and (fp.eq a b) (fp.isNegative a))))
(define-fun unordered () Bool (or (fp.isNaN a) (fp.isNaN b)))
(define-fun assumed () Bool (and (is_canonical (|float_compare_n a| state)) (is_canonical (|float_compare_n b| state))))
(define-fun claimed () Bool
  (and (writes (|float_compare_n maximum| state) (ite unordered (_ NaN 8 24) (ite a_is_below b a)))
       (writes (|float_compare_n minimum| state) (ite unordered (_ NaN 8 24) (ite a_is_below a b)))))
